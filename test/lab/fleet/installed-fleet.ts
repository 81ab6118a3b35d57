import { type Allocation, type CellClient, connect, type Node, NodeStatus } from '@cell/sdk';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Lab } from '../machines/lab.ts';
import type { Machine, MachineParts, RunOptions } from '../machines/machine.ts';
import type { CommandEnd } from '../machines/run-command.ts';
import { addRepository, installPackages } from './install-packages.ts';

const GRPC_PORT = 7600;
/** On a machine that does six times the work of one. */
const READY_MS_MAX = 120_000;
const CALL_MS_MAX = 10_000;

export interface FleetNames {
  readonly controlPlane: readonly string[];
  readonly workers: readonly string[];
}

/** Three machines with a member and an agent each, and three with an agent. */
export const SIX_MACHINES: FleetNames = {
  controlPlane: ['cp-1', 'cp-2', 'cp-3'],
  workers: ['worker-1', 'worker-2', 'worker-3'],
};

export interface InstallRequest {
  readonly names: FleetNames;
  /** Folder of the signed repository, and where machines find it. */
  readonly repository: string;
  readonly url: string;
  /** Default 'limits'. */
  readonly flavour?: MachineParts['flavour'];
  /** For people. */
  readonly say?: (line: string) => void;
}

/** A fleet on machines of its own, installed as a person does it. */
export class InstalledFleet {
  readonly lab: Lab;
  readonly controlPlane: readonly Machine[];
  readonly workers: readonly Machine[];
  readonly client: CellClient;

  constructor(lab: Lab, controlPlane: readonly Machine[], workers: readonly Machine[], client: CellClient) {
    this.lab = lab;
    this.controlPlane = controlPlane;
    this.workers = workers;
    this.client = client;
  }

  get machines(): readonly Machine[] {
    return [...this.controlPlane, ...this.workers];
  }

  /** `cellctl` on a machine of the control plane, the first if none is given. */
  cellctl(words: readonly string[], options: RunOptions & { readonly on?: Machine } = {}): Promise<CommandEnd> {
    return (options.on ?? this.controlPlane[0]!).run(['cellctl', ...words], options);
  }

  /** The machine on which an allocation is. */
  machineOf(allocation: Allocation): Machine {
    return this.lab.machine(allocation.nodeName);
  }

  async nodes(): Promise<readonly Node[]> {
    return (await this.client.nodes.listNodes({})).nodes;
  }

  /** Waits until the members have a leader and all nodes are ready and take allocations. */
  async ready(): Promise<void> {
    const waiting = { what: `${this.machines.length} nodes to be ready`, timeoutMs: READY_MS_MAX, pollMs: 100 };
    await waitFor(async () => {
      const ready = new Set((await this.nodes()).filter(isReady).map(({ name }) => name));
      const missing = this.machines.map(({ name }) => name).filter((name) => !ready.has(name));
      if (missing.length > 0) throw new Error(`These are not: ${missing.join(', ')}`);
      return true;
    }, waiting);
  }

  /** The machine whose member leads. */
  async leader(): Promise<Machine> {
    const { members, leaderId } = await this.client.controlPlane.getControlPlaneStatus({});
    const leader = members.find(({ id }) => id === leaderId);
    const host = leader?.grpcAddress.split(':')[0];
    const machine = this.controlPlane.find(({ address }) => address === host);
    if (machine === undefined) throw new Error('No member leads');
    return machine;
  }
}

function isReady({ status }: Node): boolean {
  return status === NodeStatus.READY;
}

/** Boots machines, installs Cell on all at once, and waits until the fleet is ready. */
export async function installFleet(lab: Lab, request: InstallRequest): Promise<InstalledFleet> {
  const { names, flavour = 'limits', say = () => undefined } = request;
  say(`Booting ${[...names.controlPlane, ...names.workers].join(', ')}`);
  const controlPlane = await lab.boot(names.controlPlane, { flavour });
  const workers = await lab.boot(names.workers, { flavour });
  const members = controlPlane.map(({ address }) => address).join(',');
  say('Installing Cell from the repository');
  await Promise.all([
    ...controlPlane.map((machine) =>
      install(machine, ['cell-control-plane', 'cell-agent', 'cellctl'], members, request),
    ),
    ...workers.map((machine) => install(machine, ['cell-agent', 'cellctl'], members, request)),
  ]);
  say('Waiting for the fleet to be ready');
  const addresses = await Promise.all(controlPlane.map((machine) => lab.relay(machine, GRPC_PORT)));
  const client = connect({ addresses, timeoutMs: CALL_MS_MAX });
  const fleet = new InstalledFleet(lab, controlPlane, workers, client);
  await fleet.ready();
  return fleet;
}

async function install(
  machine: Machine,
  packages: readonly string[],
  members: string,
  { repository, url, say = () => undefined }: InstallRequest,
): Promise<void> {
  machine.write('/etc/default/cell-control-plane', `CELL_MEMBERS=${members}\nCELL_TRUSTED_NETWORK=1\n`);
  machine.write('/etc/default/cell-agent', `CELL_CONTROL_PLANE=${members}\nCELL_TRUSTED_NETWORK=1\n`);
  // For cellctl, by whoever enters the machine.
  const addresses = members.replaceAll(',', `:${GRPC_PORT},`);
  machine.write('/etc/profile.d/cell.sh', `export CELL_ADDR=${addresses}:${GRPC_PORT}\n`);
  addRepository(machine, repository, url);
  await installPackages(machine, packages);
  say(`Installed ${packages.join(', ')} on ${machine.name}`);
}
