import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { AgentError } from '../../agent-error.ts';
import type { RunRequest } from '../../ports.ts';
import { listDevices } from './list-devices.ts';
import type { SystemdManager } from './systemd-manager.ts';
import { SLICE, type UnitPlace, unitProperties } from './unit-properties.ts';
import { type CgroupHierarchies, parseHierarchies } from './usage/cgroup-hierarchies.ts';

type Place = Omit<UnitPlace, 'deviceGroups'>;

export interface CapabilityOptions {
  readonly manager: SystemdManager;
  readonly place: Place;
  /** Where they are remembered. */
  readonly cacheFile: string;
  /** Changes with each start of the machine. */
  readonly key: string;
}

/** To be changed with what is looked at. */
const VERSION = 1;
/** Tells a file that is whole. */
const END = 'end';

/** What systemd does by itself wherever it runs; from version 250, Debian 12 has 252. */
const ALWAYS = ['directories', 'environment-files', 'exec', 'limit.files-max'] as const;
/** What the probe is limited to: values that nothing has by default. */
const ASKED = {
  memoryMaxMib: 64,
  memoryHighMib: 48,
  cpuMaxMillis: 500,
  cpuWeight: 50,
  ioWeight: 50,
  tasksMax: 50,
  filesMax: 0,
};
const NO_LIMITS = {
  ...ASKED,
  memoryMaxMib: 0,
  memoryHighMib: 0,
  cpuMaxMillis: 0,
  cpuWeight: 0,
  ioWeight: 0,
  tasksMax: 0,
};
const MIB = 2 ** 20;
/** What systemd says of traffic that it can't count: then it can't filter either, it does both by the same programs. */
const NO_DATA = 2n ** 64n - 1n;

/** Should the agent be killed meanwhile, this ends by itself. */
const WAIT = 'exec sleep 20';
/**
 * What only the probe itself may see of itself: the agent has not the right to look into others. Each finding is a bit
 * of its exit code. Users that systemd makes up are 61184 to 65519 (https://systemd.io/UIDS-GIDS).
 */
const REPORTED = ['user.dynamic', 'sandbox.strict', 'network.private', 'credentials'] as const;
const REPORT = `
status=0
uid=$(id -u)
[ "$uid" -ge 61184 ] && [ "$uid" -le 65519 ] && status=$((status + 1))
grep -q '^Seccomp:.2$' /proc/self/status && grep -q '^NoNewPrivs:.1$' /proc/self/status &&
  grep -q '^CapBnd:.0*$' /proc/self/status && status=$((status + 2))
[ "$(readlink /proc/self/ns/net)" != "$1" ] && status=$((status + 4))
[ -s "$CREDENTIALS_DIRECTORY/probe" ] && status=$((status + 8))
exit $((status + 64))
`;
/** So that it is told from a shell that failed. */
const REPORT_BASE = 64;

/**
 * What jobs may ask of this machine, in the words of `Inventory.capabilities`. Found by running something that asks for
 * all of it and looking at what it got: systemd leaves out silently what the kernel, or a container around it, refuses.
 */
export async function findCapabilities(options: CapabilityOptions): Promise<readonly string[]> {
  const devices = listDevices().map((path) => `device:${path}`);
  return [...ALWAYS, ...(await remembered(options)), ...devices].toSorted();
}

/** They stay as they are until the machine, systemd or the agent is another one: a restart of the agent costs nothing. */
async function remembered({ manager, place, cacheFile, key }: CapabilityOptions): Promise<readonly string[]> {
  const known = read(cacheFile).split('\n');
  const wholeKey = `${key} ${await manager.version()} ${VERSION}`;
  if (known[0] === wholeKey && known[2] === END) return known[1]!.split(' ');
  const found = await probed(manager, place);
  // A node on which nothing can be found is asked again next time.
  if (found.length > 0) writeFileSync(cacheFile, `${wholeKey}\n${found.join(' ')}\n${END}\n`, { mode: 0o600 });
  return found;
}

async function probed(manager: SystemdManager, place: Place): Promise<string[]> {
  const limits = probe(manager, place, WAIT, async (unit) => {
    const ingress = await manager.serviceProperty<bigint>(unit, 'IPIngressBytes');
    const filtered = ingress === NO_DATA ? [] : ['network.addresses'];
    return [...filtered, ...heldLimits(parseHierarchies(read('/proc/self/mountinfo')), `/${SLICE}/${unit}`)];
  });
  const sandbox = probe(manager, place, REPORT, async (unit) => {
    const bits = ((await manager.unit(unit))?.main.status ?? 0) - REPORT_BASE;
    return REPORTED.filter((_, index) => bits >= 0 && (bits & (1 << index)) !== 0);
  });
  return [...(await limits), ...(await sandbox)];
}

/** Runs the script with all that can be asked for, and looks at it; nothing is found if even that can't be run. */
async function probe(
  manager: SystemdManager,
  place: Place,
  script: string,
  look: (unit: string) => Promise<string[]>,
): Promise<string[]> {
  const unit = `cell-probe-${process.pid}-${script === WAIT ? 'limits' : 'sandbox'}.service`;
  const properties = unitProperties(probeRequest(script), { ...place, deviceGroups: [] });
  try {
    await manager.startUnit(unit, [
      ...properties.filter(([name]) => isForProbes(name)),
      // It has done when systemd says that it runs, or it does not end.
      ['Type', 's', script === WAIT ? 'exec' : 'oneshot'],
      ['RemainAfterExit', 'b', true],
      ['Description', 's', 'Cell finds out what workloads may ask of this machine'],
      ['IPAccounting', 'b', true],
      ['SetCredential', 'a(say)', [['probe', Buffer.from('1')]]],
    ]);
    return await look(unit);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'CELL_E_CANNOT_RUN') return [];
    throw error;
  } finally {
    await manager.stopUnit(unit);
    await manager.resetFailed(unit);
  }
}

/** A probe is no run: it has no folder, and is not to be found as one. */
function isForProbes(name: string): boolean {
  const others = ['Type', 'Description', 'LogExtraFields', 'RemainAfterExit', 'StateDirectory', 'ExecStopPost'];
  return !others.includes(name);
}

function probeRequest(script: string): RunRequest {
  return {
    id: 'probe',
    run: 1,
    command: ['/bin/sh', '-c', script, 'sh', readlinkSync('/proc/self/ns/net')],
    environment: { PATH: '/usr/bin:/bin' },
    user: '',
    workingDirectory: '/',
    jobName: 'probe',
    instance: 0,
    secretsFolder: '',
    isolation: {
      jobType: 'batch',
      sandbox: 'strict',
      dynamicUser: true,
      limits: script === WAIT ? ASKED : NO_LIMITS,
      network: { private: true, deny: [], allow: [] },
      directories: [],
      credentials: {},
      environmentFiles: [],
      devices: [],
    },
    stop: { signal: 'SIGKILL', timeoutMs: 1_000 },
  };
}

/** Limits that the kernel holds as they were asked for: in the files of version 2, else of version 1, of cgroups(7). */
function heldLimits({ unified, controllers }: CgroupHierarchies, group: string): string[] {
  const version2 = (name: string): string => (unified === undefined ? '' : read(`${unified}${group}/${name}`).trim());
  const version1 = (controller: string, name: string): string => {
    const place = controllers.get(controller);
    return place === undefined ? '' : read(`${place}${group}/${name}`).trim();
  };
  const memoryMax = `${ASKED.memoryMaxMib * MIB}`;
  const weights = [
    ...['io.weight', 'io.bfq.weight'].map(version2),
    ...['blkio.weight', 'blkio.bfq.weight'].map((name) => version1('blkio', name)),
  ];
  const held: Readonly<Record<string, boolean>> = {
    'limit.memory-max': [version2('memory.max'), version1('memory', 'memory.limit_in_bytes')].includes(memoryMax),
    'limit.memory-high': version2('memory.high') === `${ASKED.memoryHighMib * MIB}`,
    'limit.cpu-max': version2('cpu.max').startsWith('50000 ') || version1('cpu', 'cpu.cfs_quota_us') === '50000',
    'limit.cpu-weight': version2('cpu.weight') === `${ASKED.cpuWeight}` || version1('cpu', 'cpu.shares') === '512',
    // systemd converts it between the scales of three schedulers: anything but their defaults.
    'limit.io-weight': weights.some((weight) => weight !== '' && !/^(default )?(100|500)$/.test(weight)),
    'limit.tasks-max': [version2('pids.max'), version1('pids', 'pids.max')].includes(`${ASKED.tasksMax}`),
  };
  return Object.keys(held).filter((name) => held[name]);
}

/** Empty if it is not there. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
