import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AllocationManager } from '../../../execute/allocation-manager.ts';
import { Gate } from '../../../gate.ts';
import { realClock } from '../../../real-clock.ts';
import type { DesiredAllocation } from '../../../reconcile/model.ts';
import { AgentStore } from '../../../state/agent-store.ts';
import { desiredOf } from '../../../testing/desired.ts';
import { noSecrets } from '../../../testing/no-secrets.ts';
import { NO_ISOLATION, runRequest } from '../../../testing/run-request.ts';
import { silentLog } from '../../../testing/silent-log.ts';
import { until } from '../../../testing/until.ts';
import { BusConnection, variant } from '../bus-connection.ts';
import { cgroupVersion } from '../cgroup-version.ts';
import { openSystemdRuntime } from '../systemd-runtime.ts';
import { unitNameOf, unitProperties } from '../unit-properties.ts';

export interface UnitStartSizes {
  readonly units: number;
  readonly sandbox: 'default' | 'none';
  /** Starts under way at one time, where systemd is asked directly. */
  readonly inFlight: number;
}

export interface UnitStartRates {
  /** Of the same units, by D-Bus alone: what systemd itself gives. */
  readonly plainPerSecond: number;
  /** From desired allocations to ones that run: with all that is stored on the way. */
  readonly wholePerSecond: number;
}

/** Unlike /tmp, which is memory on many machines: what is stored on the way counts. */
const ON_DISK = '/var/tmp';
const SOCKET = '/run/dbus/system_bus_socket';
const MANAGER = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
} as const;

/** Undefined where it can be measured, else why not. */
export function unitStartsImpossible(): string | undefined {
  if (process.getuid?.() !== 0) return 'starting units needs root';
  return existsSync('/run/systemd/system') ? undefined : 'this machine was not started with systemd';
}

/** Starts so many units, once by D-Bus alone and once as the agent does, and takes them away again. */
export async function measureUnitStarts(sizes: UnitStartSizes): Promise<UnitStartRates> {
  const folder = mkdtempSync(join(ON_DISK, 'cell-unit-starts-'));
  try {
    const plainMs = await plainly(sizes);
    const wholeMs = await wholly(sizes, folder);
    return { plainPerSecond: (sizes.units * 1_000) / plainMs, wholePerSecond: (sizes.units * 1_000) / wholeMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ids({ units }: UnitStartSizes, prefix: string): string[] {
  return Array.from({ length: units }, (_, index) => `${prefix}${process.pid}-${index}`);
}

async function plainly(sizes: UnitStartSizes): Promise<number> {
  const waiting = new Map<string, () => void>();
  const rule = `type='signal',interface='${MANAGER.interface}',member='JobRemoved'`;
  const bus = await BusConnection.open(
    { socketPath: SOCKET, rules: [rule], trusted: MANAGER.destination },
    {
      onSignal: ({ body }) => waiting.get(String(body[2]))?.(),
      onReconnected: () => undefined,
      onLost: () => undefined,
    },
  );
  await bus.call({ ...MANAGER, member: 'Subscribe' });
  const job = async (unit: string, member: string, signature: string, body: readonly unknown[]): Promise<void> => {
    const ended = new Promise<void>((resolve) => {
      waiting.set(unit, resolve);
    });
    await bus.call({ ...MANAGER, member, signature, body });
    await ended;
  };
  const place = { secretsFolder: '/nonesuch', hiddenPaths: [], cgroupVersion: cgroupVersion(), deviceGroups: [] };
  const gate = new Gate(sizes.inFlight);
  const isolation = { ...NO_ISOLATION, sandbox: sizes.sandbox };
  const requests = ids(sizes, 'p').map((id) => runRequest({ id, command: ['sleep', '1000'], isolation }));
  const startedMs = performance.now();
  await Promise.all(
    requests.map((request) =>
      gate.through(async () => {
        const typed = unitProperties(request, place).map(([name, type, value]) => [name, variant(type, value)]);
        const unit = unitNameOf(request);
        await job(unit, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'fail', typed, []]);
      }),
    ),
  );
  const tookMs = performance.now() - startedMs;
  const units = requests.map(unitNameOf);
  await Promise.all(units.map((unit) => gate.through(() => job(unit, 'StopUnit', 'ss', [unit, 'replace']))));
  await bus.close();
  return tookMs;
}

async function wholly(sizes: UnitStartSizes, folder: string): Promise<number> {
  const store = await AgentStore.open(join(folder, 'data'));
  const notes = join(folder, 'notes');
  const runtime = await openSystemdRuntime({ folder: notes, secretsFolder: notes, hiddenPaths: [], clock: realClock });
  const node = { name: 'n', address: '127.0.0.1', path: '/usr/bin:/bin' };
  const parts = { runtime, store, clock: realClock, random: Math.random, log: silentLog, node, secrets: noSecrets };
  const manager = await AllocationManager.open(parts, true);
  const isolation = { ...NO_ISOLATION, sandbox: sizes.sandbox };
  const set = ids(sizes, 'w').map((id): DesiredAllocation => {
    return desiredOf({ id, command: ['sleep', '1000'], isolation });
  });
  try {
    const running = new Set<string>();
    const all = new Promise<void>((resolve) => {
      manager.onReport(({ id, state }) => {
        if (state === 'running') running.add(id);
        if (running.size === sizes.units) resolve();
      });
    });
    const startedMs = performance.now();
    await manager.apply({ generation: 1, complete: true, set, removed: [] });
    await all;
    const tookMs = performance.now() - startedMs;
    await manager.apply({ generation: 2, complete: true, set: [], removed: [] });
    await until(() => manager.counts().get('stopped') === sizes.units || undefined);
    return tookMs;
  } finally {
    await manager.close();
    const gate = new Gate(sizes.inFlight);
    await Promise.all(runtime.known().map((id) => gate.through(() => runtime.remove(id))));
    await runtime.close();
    await store.close();
  }
}
