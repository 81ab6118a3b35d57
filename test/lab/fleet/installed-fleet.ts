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

const MEMBER_CONFIG = '/etc/cell/control-plane.toml';
const ADMIN_TOKEN_FILE = '/etc/cell/admin-token';
const MEMBER_TOKEN_FILE = '/etc/cell/member-token';
export const AGENT_TOKEN_FILE = '/etc/cell/join-token';

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
  /** More lines for the settings of all members. */
  readonly memberSettings?: string;
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

  /** The machine whose member leads; waits while none does. */
  leader(): Promise<Machine> {
    return waitFor(
      async () => {
        const { members, leaderId } = await this.client.controlPlane.getControlPlaneStatus({});
        const leader = members.find(({ id }) => id === leaderId);
        const host = leader?.grpcAddress.split(':')[0];
        return this.controlPlane.find(({ address }) => address === host);
      },
      { what: 'a member to lead' },
    );
  }
}

/**
 * Waits until the agent that a machine now has is connected, and its node ready. Without the agent's own word, `ready`
 * may be what was known of the one before: whoever is back within its lease was never lost.
 */
export async function agentIsBack(fleet: InstalledFleet, machine: Machine): Promise<void> {
  await waitFor(() => isConnected(machine), {
    what: `the agent of "${machine.name}" to be connected`,
    timeoutMs: READY_MS_MAX,
    pollMs: 100,
  });
  await fleet.ready();
}

/** As the agent itself has it; systemd forgets what it said when another one is started. */
export async function isConnected(machine: Machine): Promise<boolean> {
  const { output } = await machine.run('systemctl show --property=StatusText cell-agent.service');
  return output.includes('; session with the control plane');
}

/** Whoever has the token, calling any member. */
export async function clientOf(lab: Lab, controlPlane: readonly Machine[], token: string): Promise<CellClient> {
  const addresses = await Promise.all(controlPlane.map((machine) => lab.relay(machine, GRPC_PORT)));
  return connect({ addresses, timeoutMs: CALL_MS_MAX, identity: { token } });
}

function isReady({ status }: Node): boolean {
  return status === NodeStatus.READY;
}

/** Says where the control plane is, before the installation; `members`: addresses with commas between them. */
export function configure(machine: Machine, members: string): void {
  machine.write('/etc/default/cell-control-plane', `CELL_MEMBERS=${members}\n`);
  machine.write('/etc/default/cell-agent', `CELL_CONTROL_PLANE=${members}\nCELL_JOIN_TOKEN_FILE=${AGENT_TOKEN_FILE}\n`);
}

/** Boots machines, installs Cell on all at once, and waits until the fleet is ready. */
export async function installFleet(lab: Lab, request: InstallRequest): Promise<InstalledFleet> {
  const { names, flavour = 'limits', memberSettings = '', say = () => undefined } = request;
  say(`Booting ${[...names.controlPlane, ...names.workers].join(', ')}`);
  const controlPlane = await lab.boot(names.controlPlane, { flavour });
  const workers = await lab.boot(names.workers, { flavour });
  const machines = [...controlPlane, ...workers];
  const members = controlPlane.map(({ address }) => address).join(',');
  say('Installing Cell from the repository');
  await Promise.all([
    ...controlPlane.map((machine) =>
      install(machine, ['cell-control-plane', 'cell-agent', 'cellctl'], members, request),
    ),
    ...workers.map((machine) => install(machine, ['cell-agent', 'cellctl'], members, request)),
  ]);
  for (const machine of controlPlane) {
    machine.write(MEMBER_CONFIG, `${machine.read(MEMBER_CONFIG)}${memberSettings}`);
  }
  say("Making the cluster's authority, and the machines members");
  const adminToken = await foundControlPlane(controlPlane);
  await Promise.all(machines.map((machine) => logIn(machine, adminToken, controlPlane)));
  say('Letting the agents join');
  await joinAgents(machines, controlPlane[0]!);
  say('Waiting for the fleet to be ready');
  const client = await clientOf(lab, controlPlane, adminToken);
  const fleet = new InstalledFleet(lab, controlPlane, workers, client);
  await fleet.ready();
  return fleet;
}

/** As docs/installation.md has a person do it; gives the admin token. The members of a new control plane wait for each other. */
export async function foundControlPlane([first, ...others]: readonly Machine[]): Promise<string> {
  const files = `--admin-token-file ${ADMIN_TOKEN_FILE} --join-token-file ${MEMBER_TOKEN_FILE}`;
  await first!.succeed(`cell-control-plane init ${files}`);
  await first!.succeed('systemctl restart --no-block cell-control-plane');
  await Promise.all(
    others.map(async (machine) => {
      const token = await first!.succeed(`cat ${MEMBER_TOKEN_FILE}`);
      await machine.succeed('cell-control-plane join', { input: token });
      await machine.succeed('systemctl restart --no-block cell-control-plane');
    }),
  );
  return (await first!.succeed(`cat ${ADMIN_TOKEN_FILE}`)).trim();
}

/** Has root of a machine be an admin, by any member. */
export async function logIn(machine: Machine, adminToken: string, controlPlane: readonly Machine[]): Promise<void> {
  const addresses = controlPlane.map(({ address }) => address).join(',');
  await waitFor(
    async () => {
      const { exitCode, errors } = await machine.run(`cellctl login --address ${addresses}`, { input: adminToken });
      if (exitCode !== 0) throw new Error(errors);
      return true;
    },
    { what: `"${machine.name}" to log in`, timeoutMs: READY_MS_MAX, pollMs: 250 },
  );
}

/** With one token for all of them; who makes it has logged in. */
export async function joinAgents(machines: readonly Machine[], admin: Machine): Promise<void> {
  const token = await admin.succeed(`cellctl token create --role agent --uses ${machines.length}`);
  for (const machine of machines) {
    machine.write(AGENT_TOKEN_FILE, token, 0o600);
    await machine.succeed('systemctl restart --no-block cell-agent');
  }
}

async function install(
  machine: Machine,
  packages: readonly string[],
  members: string,
  { repository, url, say = () => undefined }: InstallRequest,
): Promise<void> {
  configure(machine, members);
  addRepository(machine, repository, url);
  await installPackages(machine, packages);
  say(`Installed ${packages.join(', ')} on ${machine.name}`);
}
