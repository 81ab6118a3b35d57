import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authorityPlaces, initialize, startMember } from '@cell/control-plane';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import { loadMemberConfig } from '@cell/control-plane/testing';
import { type CellClient, connect, silenceTransport } from '@cell/sdk';
import { pino } from 'pino';
import { freePorts } from '../../cluster/harness/free-ports.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { scratchFile } from '../scratch-file.ts';

const CLUSTER = 'fuzz';
const CALL_TIMEOUT_MS = 20_000;
/** Nobody is to be turned away for coming often. */
const LIMITS = [
  'calls_per_second',
  'calls_burst',
  'failures_per_minute',
  'failures_burst',
  'joins_per_minute',
  'joins_burst',
]
  .map((name) => `${name} = 1000000`)
  .join('\n');

/** A cluster of one member in this process, as it is in life: everything over TLS, and rights by tokens. */
export interface AttackedMember {
  readonly ports: { readonly grpc: number; readonly peers: number; readonly http: number };
  readonly clusterId: string;
  /** Its admin. */
  readonly client: CellClient;
  readonly adminToken: string;
  /** Makes certificates of the cluster's own authority, for anybody. */
  readonly authority: TestAuthority;
  /** What it logged as an error, or said before it gave up. */
  readonly errors: readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

export async function startAttackedMember(): Promise<AttackedMember> {
  // As the daemon does: it would write what callers say, tokens too, to standard error.
  silenceTransport();
  const folder = mkdtempSync(join(tmpdir(), 'cell-fuzz-member-'));
  const [grpc, peers, http] = (await freePorts(3)) as [number, number, number];
  const at = (port: number) => `"127.0.0.1:${port}"`;
  const text = `id = 1
cluster = "${CLUSTER}"
data = "${folder}"
members = [{ id = 1, grpc = ${at(grpc)}, peers = ${at(peers)}, http = ${at(http)} }]
[listen]
grpc = ${at(grpc)}
peers = ${at(peers)}
http = ${at(http)}
[limits]
${LIMITS}
`;
  const config = loadMemberConfig({ file: scratchFile('member.toml', Buffer.from(text)) });
  const clock = { wallMs: () => Date.now() };
  const places = authorityPlaces(folder);
  const { adminToken } = await initialize({ ...places, cluster: CLUSTER, memberId: 1, memberIds: [1], clock });
  const errors: Record<string, unknown>[] = [];
  const log = pino({ level: 'error' }, { write: (line) => errors.push(JSON.parse(line) as Record<string, unknown>) });
  const onFatal = (error: Error) => errors.push({ fatal: error.message });
  const member = await startMember(config, { log, onFatal });
  const client = connect({
    addresses: [`127.0.0.1:${grpc}`],
    timeoutMs: CALL_TIMEOUT_MS,
    identity: { token: adminToken },
  });
  await waitFor(() => client.fleet.getFleetStatus({}), { what: 'the member to lead' });
  return {
    ports: { grpc, peers, http },
    clusterId: member.clusterId,
    client,
    adminToken,
    authority: await TestAuthority.ofMember(places),
    errors,
    async stop() {
      client.close();
      await member.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
