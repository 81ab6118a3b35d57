// biome-ignore-all lint/suspicious/noTemplateCurlyInString: nothing may fill these in
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import type { RunRequest } from '../../ports.ts';
import type { Isolation } from '../../reconcile/model.ts';
import { NO_ISOLATION, runRequest } from '../../testing/run-request.ts';
import {
  asksForOom,
  hasDynamicUser,
  parseRun,
  signalNumber,
  type UnitPlace,
  unitNameOf,
  unitProperties,
} from './unit-properties.ts';

const PLACE: UnitPlace = {
  secretsFolder: '/etc/cell/secrets',
  hiddenPaths: ['/etc/cell'],
  cgroupVersion: 2,
  deviceGroups: [],
};

function propertiesOf(change: Partial<RunRequest> = {}, place: Partial<UnitPlace> = {}): Record<string, unknown> {
  const request = runRequest({ command: ['serve', '--all'], ...change });
  return Object.fromEntries(unitProperties(request, { ...PLACE, ...place }).map(([name, , value]) => [name, value]));
}

const isolated = (change: Partial<Isolation>): Partial<RunRequest> => ({ isolation: { ...NO_ISOLATION, ...change } });

test('unitProperties() names the run, in the log and in the listing of units', () => {
  const found = propertiesOf({ id: 'x-1', run: 3, instance: 2 });
  const fields = (found['LogExtraFields'] as Uint8Array[]).map((field) => Buffer.from(field).toString());
  expect(fields).toEqual(['CELL_JOB=web', 'CELL_ALLOCATION=x-1', 'CELL_RUN=3', 'CELL_INSTANCE=2']);
  expect(parseRun(String(found['Description']))).toEqual({ id: 'x-1', run: 3 });
  expect(parseRun('Some other unit')).toBeUndefined();
  expect(unitNameOf({ id: 'x-1', jobName: 'web' })).toBe('cell-web-x-1.service');
});

test.each<[string, Partial<RunRequest>, unknown]>([
  ['a bare name', {}, ['serve', ['serve', '--all'], false]],
  ['a path', { command: ['/bin/x'] }, ['/bin/x', ['/bin/x'], false]],
  [
    'a path from the working directory',
    { command: ['bin/x'], workingDirectory: '/srv' },
    ['/srv/bin/x', ['bin/x'], false],
  ],
  ['a path from the own folder', { command: ['./x'] }, ['/var/lib/cell-jobs/allocations/a/x', ['./x'], false]],
  ['what looks like a variable', { command: ['x', '$A ${B} $$'] }, ['x', ['x', '$$A $${B} $$$$'], false]],
])('the command is %s', (_, change, expected) => {
  expect(propertiesOf(change)['ExecStart']).toEqual([expected]);
});

test('commands are looked for where the environment says', () => {
  expect(propertiesOf({ environment: { PATH: '/a:b::/c' } })['ExecSearchPath']).toEqual(['/a', '/c']);
});

test.each<[string, Partial<RunRequest>, string]>([
  ['a service', {}, 'dynamic'],
  ['a batch job', isolated({ jobType: 'batch' }), 'dynamic'],
  ['what has no sandbox', isolated({ sandbox: 'none' }), 'root'],
  ['what has no sandbox and insists', isolated({ sandbox: 'none', dynamicUser: true }), 'dynamic'],
  ['what names one', { user: 'www-data' }, 'www-data'],
  ['what names one without a sandbox', { ...isolated({ sandbox: 'none' }), user: 'www-data' }, 'www-data'],
])('%s runs as the right user', (_, change, expected) => {
  const found = propertiesOf(change);
  expect(found['DynamicUser']).toBe(expected === 'dynamic' ? true : undefined);
  expect(found['User']).toBe(['dynamic', 'root'].includes(expected) ? undefined : expected);
  expect(hasDynamicUser(runRequest({ command: [], ...change }))).toBe(expected === 'dynamic');
});

test.each<[string, Partial<Isolation>, string | undefined, boolean]>([
  ['a service', {}, 'full', false],
  ['a system job', { jobType: 'system' }, 'full', false],
  ['a batch job', { jobType: 'batch' }, 'strict', true],
  ['a service that wants it', { sandbox: 'strict' }, 'strict', true],
  ['a batch job that does not', { jobType: 'batch', sandbox: 'none' }, undefined, false],
])('%s is shut off as far as it should be', (_, change, system, filtered) => {
  const found = propertiesOf(isolated(change));
  expect(found['ProtectSystem']).toBe(system);
  expect(found['NoNewPrivileges']).toBe(system === undefined ? undefined : true);
  const hidden = (found['InaccessiblePaths'] ?? []) as readonly string[];
  expect(hidden.includes('-/etc/cell') && hidden.includes('-/run/systemd/transient')).toBe(system !== undefined);
  expect(hidden.includes('-/run/dbus') && hidden.includes('-/run/systemd/private')).toBe(filtered);
  expect(found['SystemCallFilter'] !== undefined).toBe(filtered);
  expect(found['CapabilityBoundingSet']).toBe(filtered ? 0n : undefined);
  expect(found['PrivateDevices']).toBe(filtered ? true : undefined);
});

test('devices that are asked for are those of the node, and the only ones', () => {
  const devices = ['/dev/kvm:rw', '/dev/dri/by-path/pci-0:0:render:r'];
  const found = propertiesOf(isolated({ jobType: 'batch', devices }), { deviceGroups: [104] });
  expect(found).toMatchObject({
    DevicePolicy: 'closed',
    DeviceAllow: [
      ['/dev/kvm', 'rw'],
      ['/dev/dri/by-path/pci-0:0:render', 'r'],
    ],
    SupplementaryGroups: ['104'],
  });
  expect(found['PrivateDevices']).toBeUndefined();
});

test('limits come in the units of systemd, and none that was not asked for', () => {
  const limits = {
    memoryMaxMib: 64,
    memoryHighMib: 32,
    cpuMaxMillis: 1_500,
    cpuWeight: 50,
    ioWeight: 60,
    tasksMax: 70,
    filesMax: 80,
  };
  expect(propertiesOf(isolated({ limits }))).toMatchObject({
    MemoryMax: 67_108_864n,
    MemoryHigh: 33_554_432n,
    CPUQuotaPerSecUSec: 1_500_000n,
    CPUWeight: 50n,
    IOWeight: 60n,
    TasksMax: 70n,
    LimitNOFILE: 80n,
    LimitNOFILESoft: 80n,
  });
  const names = ['MemoryMax', 'MemoryHigh', 'CPUQuotaPerSecUSec', 'CPUWeight', 'IOWeight', 'TasksMax', 'LimitNOFILE'];
  expect(Object.keys(propertiesOf()).filter((name) => names.includes(name))).toEqual([]);
});

test('only version 1 of cgroups is asked for killings, and only where memory is limited', () => {
  const limited = isolated({ limits: { ...NO_ISOLATION.limits, memoryMaxMib: 64 } });
  expect(propertiesOf(limited, { cgroupVersion: 1 })['ExecStopPost']).toBeDefined();
  expect(propertiesOf(limited)['ExecStopPost']).toBeUndefined();
  expect(asksForOom(runRequest({ command: [] }), { ...PLACE, cgroupVersion: 1 })).toBe(false);
});

test('secrets are files of the folder of secrets, folders those of the instance', () => {
  const change = {
    credentials: { api: 'token' },
    secrets: { password: 'database' },
    environmentFiles: ['db.env'],
    directories: ['state', 'logs'] as const,
  };
  const found = propertiesOf({ ...isolated(change), instance: 4, secretsFolder: '/run/a' });
  expect(found).toMatchObject({
    LoadCredential: [
      ['api', '/etc/cell/secrets/token'],
      ['password', '/run/a/password'],
    ],
    EnvironmentFiles: [['/etc/cell/secrets/db.env', false]],
    StateDirectory: ['cell-jobs/allocations/a', 'cell-jobs/web-4'],
    LogsDirectory: ['cell-jobs/web-4'],
  });
  expect(found['Environment']).toContain('STATE_DIRECTORY=/var/lib/cell-jobs/web-4');
  expect(found['UnsetEnvironment']).not.toContain('STATE_DIRECTORY');
  expect(propertiesOf()['UnsetEnvironment']).toContain('STATE_DIRECTORY');
  expect(found['CacheDirectory']).toBeUndefined();
});

test('every signal that a job may be stopped with is sent as that signal', () => {
  const names = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGKILL'] as const;
  expect(names.map(signalNumber)).toEqual(names.map((name) => constants.signals[name]));
});

test('a run is ended as the job says, should the machine be shut down', () => {
  expect(propertiesOf({ stop: { signal: 'SIGINT', timeoutMs: 2_500 } })).toMatchObject({
    KillSignal: 2,
    TimeoutStopUSec: 2_500_000n,
    SendSIGKILL: true,
    RemainAfterExit: true,
  });
});
