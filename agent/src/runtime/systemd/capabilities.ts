import { readFileSync, readlinkSync } from 'node:fs';
import { AgentError } from '../../agent-error.ts';
import type { RunRequest } from '../../ports.ts';
import { listDevices } from './list-devices.ts';
import type { SystemdManager } from './systemd-manager.ts';
import { SLICE, type UnitPlace, unitProperties } from './unit-properties.ts';
import { type CgroupHierarchies, parseHierarchies } from './usage/cgroup-hierarchies.ts';

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
const MIB = 2 ** 20;
/** Should the agent be killed meanwhile, the probe ends by itself. */
const PROBE_SECONDS_MAX = 20;
/** What systemd says of traffic that it can't count. */
const NO_DATA = 2n ** 64n - 1n;
/** Of users that systemd makes up: https://systemd.io/UIDS-GIDS */
const DYNAMIC_UID_MIN = 61_184;
const DYNAMIC_UID_MAX = 65_519;

/**
 * What jobs may ask of this machine, in the words of `Inventory.capabilities`. Found by running something that asks for
 * all of it and looking at what it got: systemd leaves out silently what the kernel, or a container around it, refuses.
 */
export async function findCapabilities(
  manager: SystemdManager,
  place: Omit<UnitPlace, 'deviceGroups'>,
): Promise<readonly string[]> {
  const devices = listDevices().map((path) => `device:${path}`);
  return [...ALWAYS, ...(await probed(manager, place)), ...devices].toSorted();
}

async function probed(manager: SystemdManager, place: Omit<UnitPlace, 'deviceGroups'>): Promise<string[]> {
  const unit = `cell-probe-${process.pid}.service`;
  const properties = unitProperties(probeRequest(), { ...place, deviceGroups: [] }).filter(([name]) => kept(name));
  try {
    await manager.startUnit(unit, [
      ...properties,
      ['Description', 's', 'Cell finds out what workloads may ask of this machine'],
      ['IPAccounting', 'b', true],
      ['SetCredential', 'a(say)', [['probe', Buffer.from('1')]]],
    ]);
    return await found(manager, unit);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'CELL_E_CANNOT_RUN') return [];
    throw error;
  } finally {
    await manager.stopUnit(unit);
    await manager.resetFailed(unit);
  }
}

/** It is no run: nothing may be left of it, neither its folder nor how it ended. */
function kept(name: string): boolean {
  const runs = ['Description', 'LogExtraFields', 'RemainAfterExit', 'StateDirectory', 'WorkingDirectory'];
  return !runs.includes(name) && !name.startsWith('ExecStopPost');
}

function probeRequest(): RunRequest {
  return {
    id: 'probe',
    run: 1,
    command: ['sleep', `${PROBE_SECONDS_MAX}`],
    environment: { PATH: '/usr/bin:/bin' },
    user: '',
    workingDirectory: '/',
    jobName: 'probe',
    instance: 0,
    isolation: {
      jobType: 'batch',
      sandbox: 'strict',
      dynamicUser: true,
      limits: ASKED,
      network: { private: true, deny: [], allow: [] },
      directories: [],
      credentials: {},
      environmentFiles: [],
      devices: [],
    },
    stop: { signal: 'SIGKILL', timeoutMs: 1_000 },
  };
}

async function found(manager: SystemdManager, unit: string): Promise<string[]> {
  const [pid, ingress] = await Promise.all([
    manager.serviceProperty<number>(unit, 'MainPID'),
    manager.serviceProperty<bigint>(unit, 'IPIngressBytes'),
  ]);
  const status = read(`/proc/${pid}/status`);
  const uid = Number(field(status, 'Uid').split('\t')[0]);
  const confined = field(status, 'Seccomp') === '2' && field(status, 'NoNewPrivs') === '1';
  const alone = network(`/proc/${pid}`) !== network('/proc/self');
  const has: Readonly<Record<string, boolean>> = {
    'user.dynamic': uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX,
    'sandbox.strict': confined && /^0+$/.test(field(status, 'CapBnd')),
    credentials: read(`/proc/${pid}/environ`).includes('\0CREDENTIALS_DIRECTORY='),
    'network.private': alone,
    'network.addresses': ingress !== NO_DATA,
    ...limits(parseHierarchies(read('/proc/self/mountinfo')), `/${SLICE}/${unit}`),
  };
  return Object.keys(has).filter((name) => has[name]);
}

/** Whether the kernel holds what was asked for: in the files of version 2, else of version 1, of cgroups(7). */
function limits({ unified, controllers }: CgroupHierarchies, group: string): Record<string, boolean> {
  const new2 = (name: string): string => (unified === undefined ? '' : read(`${unified}${group}/${name}`).trim());
  const old1 = (controller: string, name: string): string => {
    const place = controllers.get(controller);
    return place === undefined ? '' : read(`${place}${group}/${name}`).trim();
  };
  const memoryMax = `${ASKED.memoryMaxMib * MIB}`;
  const weights = [new2('io.weight'), new2('io.bfq.weight'), old1('blkio', 'blkio.weight')];
  const bfq = old1('blkio', 'blkio.bfq.weight');
  return {
    'limit.memory-max': new2('memory.max') === memoryMax || old1('memory', 'memory.limit_in_bytes') === memoryMax,
    'limit.memory-high': new2('memory.high') === `${ASKED.memoryHighMib * MIB}`,
    'limit.cpu-max': new2('cpu.max').startsWith('50000 ') || old1('cpu', 'cpu.cfs_quota_us') === '50000',
    'limit.cpu-weight': new2('cpu.weight') === `${ASKED.cpuWeight}` || old1('cpu', 'cpu.shares') === '512',
    'limit.io-weight': [...weights, bfq].some((weight) => weight !== '' && !/^(default )?(100|500)$/.test(weight)),
    'limit.tasks-max': [new2('pids.max'), old1('pids', 'pids.max')].includes(`${ASKED.tasksMax}`),
  };
}

function network(process: string): string {
  return readlinkSync(`${process}/ns/net`);
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
}

/** Empty if it is not there. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
