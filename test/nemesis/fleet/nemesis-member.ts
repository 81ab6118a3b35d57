import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon } from '../../cluster/harness/daemon.ts';
import { fakeClockEnvironment, setFakeClock } from '../../cluster/harness/fake-clock.ts';
import { type MemberPorts, memberToml } from '../../cluster/harness/fleet-config.ts';
import type { FleetIdentity } from '../../cluster/harness/fleet-identity.ts';
import { addressOf, type Network, namespaceOf } from '../network/namespaces.ts';
import type { DataDisk } from './data-disk.ts';

const PORTS = { grpc: 7600, peers: 7601, http: 7602 } as const;
export const CLUSTER = 'nemesis';

export interface NemesisMemberParts {
  readonly id: number;
  readonly folder: string;
  readonly network: Network;
  /** Founding members; ids count from 1. */
  readonly founders: number;
  /** Makes the member's file system in a folder; undefined: its data lies in an ordinary one. */
  readonly mount: ((folder: string) => DataDisk) | undefined;
  /** Its wall clock can be moved. */
  readonly clockLibrary: string | undefined;
  readonly identity: FleetIdentity;
}

function portsOf(id: number): MemberPorts {
  return { id, host: addressOf(id), ...PORTS };
}

/** A real member in a network namespace of its own. */
export class NemesisMember extends Daemon {
  readonly id: number;
  readonly grpcAddress: string;
  readonly peerAddress: string;
  readonly disk: DataDisk | undefined;
  readonly clockFile: string | undefined;
  /** It should run: if it doesn't, it has ended by itself. */
  wanted = false;
  /** Length of what it had said on standard error before its newest start. */
  #saidBefore = 0;

  constructor(parts: NemesisMemberParts) {
    const { id, folder, network, clockLibrary } = parts;
    const name = `member-${id}`;
    const data = join(folder, name);
    const configFile = join(folder, `${name}.toml`);
    const own = portsOf(id);
    const founders = Array.from({ length: parts.founders }, (_, place) => portsOf(place + 1));
    // One that joins later names itself, and others to find the cluster by.
    const members = id > parts.founders ? [...founders, own] : founders;
    writeFileSync(configFile, memberToml({ own, members, cluster: CLUSTER, data, extra: '' }));
    const clockFile = clockLibrary === undefined ? undefined : join(folder, `${name}.clock`);
    if (clockFile !== undefined) setFakeClock(clockFile, 0);
    super({
      program: 'cell-control-plane',
      name,
      folder,
      configFile,
      httpAddress: `${addressOf(id)}:${PORTS.http}`,
      launcher: ['ip', 'netns', 'exec', namespaceOf(network, id)],
      environment:
        clockLibrary === undefined || clockFile === undefined ? {} : fakeClockEnvironment(clockLibrary, clockFile),
    });
    this.id = id;
    this.grpcAddress = `${addressOf(id)}:${PORTS.grpc}`;
    this.peerAddress = `${addressOf(id)}:${PORTS.peers}`;
    this.disk = parts.mount?.(data);
    // On its own disk, if it has one.
    parts.identity.giveTo(data);
    this.clockFile = clockFile;
  }

  /** Has it run from now on. */
  up(): void {
    this.wanted = true;
    if (this.running) return;
    this.#saidBefore = existsSync(this.errorFile) ? this.errors().length : 0;
    this.start();
  }

  /** By SIGKILL. */
  async down(): Promise<void> {
    this.wanted = false;
    if (this.running) await this.kill();
  }

  async leads(): Promise<boolean> {
    return this.running && (await this.metric('cell_raft_is_leader')) === 1;
  }

  /** What it has said on standard error since its newest start, the last line; '' if nothing. */
  lastWords(): string {
    return this.errors().slice(this.#saidBefore).trim().split('\n').at(-1) ?? '';
  }
}
