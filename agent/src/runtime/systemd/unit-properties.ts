import { isAbsolute, join } from 'node:path';
import type { RunRequest } from '../../ports.ts';
import type { Limits } from '../../reconcile/model.ts';
import { addressRanges } from './address-ranges.ts';
import { sandboxOf, sandboxProperties } from './sandbox-properties.ts';
import type { UnitProperty } from './systemd-manager.ts';
import { jobFolder, ownFolder, STATE_ROOT, workFolderOf } from './work-folder.ts';

/** What units learn of the node that they run on. */
export interface UnitPlace {
  /** Absolute; root's own. */
  readonly secretsFolder: string;
  /** What no workload may see unless its sandbox is "none": what belongs to Cell itself. */
  readonly hiddenPaths: readonly string[];
  /** 1 also for the hybrid hierarchy: where memory is limited by version 1. */
  readonly cgroupVersion: 1 | 2;
  /** Numbers of the groups that may use the devices asked for. */
  readonly deviceGroups: readonly number[];
}

export const SLICE = 'cell.slice';
const MIB = 2n ** 20n;
const MICROSECONDS_PER_MS = 1_000n;
const OWNER_ONLY = 0o700;
/** More than anything can write. */
const LINES_PER_MICROSECOND_MAX = 10_000_000;

/**
 * The unit of an allocation, the same for all its runs: so people find it, and two runs can never be there at a time.
 */
export function unitNameOf(request: Pick<RunRequest, 'id' | 'jobName'>): string {
  return `cell-${request.jobName}-${request.id}.service`;
}

/** The transient unit of a run, as systemd.exec(5), systemd.resource-control(5) and org.freedesktop.systemd1(5) say. */
export function unitProperties(request: RunRequest, place: UnitPlace): UnitProperty[] {
  return [
    ...identity(request),
    ...command(request),
    ...directories(request),
    ...secrets(request, place),
    ...ending(request, place),
    ...limits(request.isolation.limits),
    ...network(request),
    ...account(request, place),
    ...sandboxProperties(request, place.hiddenPaths),
  ];
}

/** Whether systemd makes up a user for the run. */
export function hasDynamicUser({ user, isolation }: RunRequest): boolean {
  return user === '' && (isolation.dynamicUser || sandboxOf(isolation) !== 'none');
}

/**
 * The kernel tells systemd of processes killed for lack of memory only in version 2 of cgroups. In version 1 a command
 * after the end asks the cgroup itself, before it is gone; what it found is the status that it ended with.
 */
export function asksForOom(request: RunRequest, { cgroupVersion }: UnitPlace): boolean {
  return cgroupVersion === 1 && request.isolation.limits.memoryMaxMib > 0;
}

function identity(request: RunRequest): UnitProperty[] {
  const fields = {
    CELL_JOB: request.jobName,
    CELL_ALLOCATION: request.id,
    CELL_RUN: `${request.run}`,
    CELL_INSTANCE: `${request.instance}`,
  };
  const encoded = Object.entries(fields).map(([name, value]) => Buffer.from(`${name}=${value}`));
  return [
    ['Description', 's', describeRun(request)],
    ['Slice', 's', SLICE],
    ['LogExtraFields', 'aay', encoded],
    ['SyslogIdentifier', 's', request.jobName],
    // What a workload writes is for it to say: nothing of it may be lost. 0 would not be told journald, which has its own
    // limit then; larger bursts overflow when it multiplies them by the room on its disk.
    ['LogRateLimitIntervalUSec', 't', 1n],
    ['LogRateLimitBurst', 'u', LINES_PER_MICROSECOND_MAX],
    ['StandardOutput', 's', 'journal'],
    ['StandardError', 's', 'journal'],
  ];
}

/** What one listing of all units tells of the runs behind them: see `parseRun`. */
function describeRun({ id, jobName, run }: RunRequest): string {
  return `Cell allocation ${id} of job ${jobName}, run ${run}`;
}

export function parseRun(description: string): { readonly id: string; readonly run: number } | undefined {
  const found = /^Cell allocation ([0-9A-Za-z][0-9A-Za-z_-]*) of job \S+, run (\d+)$/.exec(description);
  return found === null ? undefined : { id: found[1]!, run: Number(found[2]) };
}

function command(request: RunRequest): UnitProperty[] {
  const [program = '', ...rest] = request.command;
  // systemd takes absolute paths and bare names; what is relative to the working directory has to be said as a whole.
  const relative = program.includes('/') && !isAbsolute(program);
  const path = relative ? join(workingDirectory(request), program) : program;
  const search = (request.environment['PATH'] ?? '').split(':').filter((folder) => isAbsolute(folder));
  return [
    ['Type', 's', 'exec'],
    ['ExecStart', 'a(sasb)', [[path, [program, ...rest].map(literally), false]]],
    ['ExecSearchPath', 'as', search],
    ['Environment', 'as', environment(request)],
    ['UnsetEnvironment', 'as', unsetEnvironment(request)],
    ['WorkingDirectory', 's', workingDirectory(request)],
  ];
}

/**
 * systemd fills in variables. "ExecStartEx" could tell it not to, but systemd 252 writes that name into the unit's file,
 * where it does not know it: after a daemon-reload the unit would be one with a "bad setting".
 */
function literally(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}

function workingDirectory({ id, workingDirectory: asked }: RunRequest): string {
  return asked === '' ? workFolderOf(id) : asked;
}

/** systemd would name the allocation's own folder beside the one that the job asked for. */
function environment(request: RunRequest): string[] {
  const state = request.isolation.directories.includes('state') ? join(STATE_ROOT, jobFolder(request)) : '';
  const own = state === '' ? {} : { STATE_DIRECTORY: state };
  return Object.entries({ ...request.environment, ...own }).map(([name, value]) => `${name}=${value}`);
}

/** What systemd adds of its own accord and no job asks for. */
function unsetEnvironment({ environment: asked, isolation }: RunRequest): string[] {
  const added = ['SHELL', 'SYSTEMD_EXEC_PID', ...(isolation.directories.includes('state') ? [] : ['STATE_DIRECTORY'])];
  return added.filter((name) => asked[name] === undefined);
}

function directories(request: RunRequest): UnitProperty[] {
  const asked = new Set(request.isolation.directories);
  const shared = jobFolder(request);
  const folders: UnitProperty[] = [
    ['StateDirectory', 'as', [ownFolder(request.id), ...(asked.has('state') ? [shared] : [])]],
    ['StateDirectoryMode', 'u', OWNER_ONLY],
  ];
  if (asked.has('cache')) folders.push(['CacheDirectory', 'as', [shared]], ['CacheDirectoryMode', 'u', OWNER_ONLY]);
  if (asked.has('logs')) folders.push(['LogsDirectory', 'as', [shared]], ['LogsDirectoryMode', 'u', OWNER_ONLY]);
  return folders;
}

function secrets({ isolation, secretsFolder: own }: RunRequest, { secretsFolder }: UnitPlace): UnitProperty[] {
  const credentials = [
    ...Object.entries(isolation.credentials).map(([name, file]) => [name, join(secretsFolder, file)]),
    ...Object.keys(isolation.secrets ?? {}).map((name) => [name, join(own, name)]),
  ];
  const files = isolation.environmentFiles.map((file) => [join(secretsFolder, file), false]);
  const properties: UnitProperty[] = [];
  if (credentials.length > 0) properties.push(['LoadCredential', 'a(ss)', credentials]);
  if (files.length > 0) properties.push(['EnvironmentFiles', 'a(sb)', files]);
  return properties;
}

function ending(request: RunRequest, place: UnitPlace): UnitProperty[] {
  const properties: UnitProperty[] = [
    // How the command ended must outlive an agent that is away.
    ['RemainAfterExit', 'b', true],
    ['KillMode', 's', 'control-group'],
    ['KillSignal', 'i', signalNumber(request.stop.signal)],
    ['SendSIGKILL', 'b', true],
    ['TimeoutStopUSec', 't', BigInt(request.stop.timeoutMs) * MICROSECONDS_PER_MS],
    ['OOMPolicy', 's', 'kill'],
  ];
  if (asksForOom(request, place)) {
    const file = `/sys/fs/cgroup/memory/${SLICE}/${unitNameOf(request)}/memory.oom_control`;
    const grep = ['grep', '-qs', '^oom_kill 0$', file];
    properties.push(['ExecStopPost', 'a(sasb)', [['/bin/grep', grep.map(literally), true]]]);
  }
  return properties;
}

/** Names as the job file has them; checked there. */
export function signalNumber(name: string): number {
  return SIGNALS.get(name) ?? SIGNALS.get('SIGTERM')!;
}

const SIGNALS: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGKILL', 9],
  ['SIGUSR1', 10],
  ['SIGUSR2', 12],
  ['SIGTERM', 15],
  ['SIGWINCH', 28],
]);

function limits(asked: Limits): UnitProperty[] {
  const accounting = ['CPUAccounting', 'MemoryAccounting', 'TasksAccounting', 'IOAccounting'] as const;
  const properties: UnitProperty[] = accounting.map((name) => [name, 'b', true]);
  const limit = (value: number, ...limited: UnitProperty[]): void => {
    if (value > 0) properties.push(...limited);
  };
  limit(asked.memoryMaxMib, ['MemoryMax', 't', BigInt(asked.memoryMaxMib) * MIB]);
  limit(asked.memoryHighMib, ['MemoryHigh', 't', BigInt(asked.memoryHighMib) * MIB]);
  limit(asked.cpuMaxMillis, ['CPUQuotaPerSecUSec', 't', BigInt(asked.cpuMaxMillis) * 1_000n]);
  limit(asked.cpuWeight, ['CPUWeight', 't', BigInt(asked.cpuWeight)]);
  limit(asked.ioWeight, ['IOWeight', 't', BigInt(asked.ioWeight)]);
  limit(asked.tasksMax, ['TasksMax', 't', BigInt(asked.tasksMax)]);
  const files = BigInt(asked.filesMax);
  limit(asked.filesMax, ['LimitNOFILE', 't', files], ['LimitNOFILESoft', 't', files]);
  return properties;
}

function network({ isolation }: RunRequest): UnitProperty[] {
  const { private: alone, deny, allow } = isolation.network;
  const properties: UnitProperty[] = [];
  if (alone) properties.push(['PrivateNetwork', 'b', true]);
  if (deny.length > 0) properties.push(['IPAddressDeny', 'a(iayu)', deny.flatMap(addressRanges)]);
  if (allow.length > 0) properties.push(['IPAddressAllow', 'a(iayu)', allow.flatMap(addressRanges)]);
  return properties;
}

function account(request: RunRequest, { deviceGroups }: UnitPlace): UnitProperty[] {
  const groups: UnitProperty[] =
    deviceGroups.length > 0 ? [['SupplementaryGroups', 'as', deviceGroups.map((group) => `${group}`)]] : [];
  if (hasDynamicUser(request)) return [['DynamicUser', 'b', true], ...groups];
  return request.user === '' ? [] : [['User', 's', request.user], ...groups];
}
