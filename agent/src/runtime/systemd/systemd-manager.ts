import { AgentError } from '../../agent-error.ts';
import type { Clock } from '../../ports.ts';
import { BusConnection, type BusSignal, isRefusal, variant } from './bus-connection.ts';
import { explainExitStatus } from './exit-status.ts';
import { unitOfPath, unitPath } from './unit-name.ts';

/** Name, D-Bus type and value; see org.freedesktop.systemd1(5). */
export type UnitProperty = readonly [name: string, signature: string, value: unknown];

/** What systemd says of a service. */
export interface UnitState {
  /** "active", "activating", "deactivating", "failed", "inactive" or "reloading". */
  readonly activeState: string;
  /** Such as "running" and "exited". */
  readonly subState: string;
  readonly main: MainProcess;
  /** 32 hex digits; another one for each start. */
  readonly invocationId: string;
  /** Below the mount points of the hierarchies, such as "/cell.slice/x.service"; empty if it has none. */
  readonly controlGroup: string;
  /** "NAME=VALUE". */
  readonly logExtraFields: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
  readonly filtersSystemCalls: boolean;
  readonly description: string;
}

/** How the main process of a service is doing. */
export interface MainProcess {
  /** "success", "exit-code", "signal", "core-dump", "oom-kill", "timeout", "resources", … */
  readonly result: string;
  /** 0 if none runs. */
  readonly mainPid: number;
  /** How it ended: 0 not yet, 1 exited, 2 killed, 3 dumped core. */
  readonly code: number;
  /** Its exit code or signal. */
  readonly status: number;
  /** When it was started, on the monotonic clock, in microseconds: tells it from the one before. */
  readonly startedAtUs: bigint;
  /** Of the first ExecStopPost= command, as `code` and `status`; undefined if none has ended. */
  readonly stopPost: { readonly code: number; readonly status: number } | undefined;
}

export interface ListedUnit {
  readonly name: string;
  readonly description: string;
  readonly activeState: string;
  readonly subState: string;
}

export type UnitEvent =
  | { readonly type: 'changed'; readonly unit: string; readonly main: MainProcess }
  | { readonly type: 'removed'; readonly unit: string }
  /** Events may have been missed: everything is to be looked at anew. */
  | { readonly type: 'reset' };

export interface ManagerOptions {
  readonly clock: Clock;
  readonly socketPath?: string;
}

const SOCKET_PATH = '/run/dbus/system_bus_socket';
const SYSTEMD = 'org.freedesktop.systemd1';
const MANAGER = {
  destination: SYSTEMD,
  path: '/org/freedesktop/systemd1',
  interface: `${SYSTEMD}.Manager`,
} as const;
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const SERVICE = `${SYSTEMD}.Service`;
/** systemd itself gives up before. */
const JOB_MS_MAX = 180_000;
const SUBSCRIBE_AGAIN_MS = 1_000;

const RULES = [
  ...['JobRemoved', 'UnitRemoved', 'Reloading'].map(
    (member) => `type='signal',sender='${SYSTEMD}',interface='${MANAGER.interface}',member='${member}'`,
  ),
  // Ten times a start and stop of any service, with all about its main process; 512 rules, one for each of our units,
  // would be all that a connection may have (`max_match_rules_per_connection`). See the decision 0009 for what it costs.
  `type='signal',sender='${SYSTEMD}',interface='${PROPERTIES}',member='PropertiesChanged',arg0='${SERVICE}'`,
];

interface JobWatch {
  /** How jobs of the unit ended. */
  readonly ended: Map<string, string>;
  /** The end of any may have been missed. */
  missed: boolean;
  settle: (() => void) | undefined;
  lost: Error | undefined;
}

/** systemd, over the system bus: transient units, and what becomes of them, by its signals. */
export class SystemdManager {
  readonly #clock: Clock;
  #bus!: BusConnection;
  readonly #listeners: ((event: UnitEvent) => void)[] = [];
  /** Jobs that are waited for, by unit: one call at a time. */
  readonly #jobs = new Map<string, Set<JobWatch>>();
  #cancelSubscribe: () => void = () => undefined;
  #closed = false;

  /** Rejects with `CELL_E_UNSUPPORTED` if there is no systemd to talk to. */
  static async open(options: ManagerOptions): Promise<SystemdManager> {
    const manager = new SystemdManager(options.clock);
    manager.#bus = await BusConnection.open(
      { socketPath: options.socketPath ?? SOCKET_PATH, rules: RULES, trusted: SYSTEMD },
      {
        onSignal: (signal) => manager.#signalled(signal),
        onReconnected: () => void manager.#subscribe(),
        onLost: () => manager.#lost(),
      },
    );
    await manager.#call('Subscribe');
    return manager;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  onEvent(listener: (event: UnitEvent) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Makes a transient unit and starts it; resolves once its program runs, or has run. Rejects with `CELL_E_CANNOT_RUN`
   * if that can't be, then the unit is left as failed; as `isRefusal` 'UnitExists' if there is one of that name.
   */
  async startUnit(name: string, properties: readonly UnitProperty[]): Promise<void> {
    const typed = properties.map(([property, signature, value]) => [property, variant(signature, value)]);
    const result = await this.#job(name, () => this.#start(name, typed));
    if (result === 'done') return;
    const state = await this.unit(name);
    if (state === undefined || state.main.code === 0 || result === 'canceled') {
      if (result === 'failed' || result === 'timeout' || result === 'dependency') {
        throw new AgentError('CELL_E_CANNOT_RUN', `Could not start unit "${name}": its job ended as "${result}"`);
      }
      return;
    }
    const why = state.main.code === 1 ? explainExitStatus(state.main.status) : undefined;
    if (why !== undefined) throw new AgentError('CELL_E_CANNOT_RUN', why);
  }

  /** Stops a unit as it says itself, and resolves once it is stopped; does nothing if there is none. */
  async stopUnit(name: string): Promise<void> {
    await this.#ifLoaded(() => this.#job(name, () => this.#call('StopUnit', 'ss', [name, 'replace'])));
  }

  /** Sends a signal, by its number, to the main process or to all of the unit's cgroup; nothing if there is none. */
  async killUnit(name: string, signal: number, whom: 'main' | 'all'): Promise<void> {
    await this.#ifLoaded(() => this.#call('KillUnit', 'ssi', [name, whom, signal]));
  }

  /** Lets systemd forget that a unit failed; a transient one is gone then. */
  async resetFailed(name: string): Promise<void> {
    await this.#ifLoaded(() => this.#call('ResetFailedUnit', 's', [name]));
  }

  /** Undefined if there is no such unit. */
  async unit(name: string): Promise<UnitState | undefined> {
    const read = (iface: string): Promise<Readonly<Record<string, unknown>>> => {
      const call = { destination: SYSTEMD, path: unitPath(name), interface: PROPERTIES, member: 'GetAll' };
      return this.#bus.call({ ...call, signature: 's', body: [iface] });
    };
    try {
      const [unit, service] = await Promise.all([read(`${SYSTEMD}.Unit`), read(SERVICE)]);
      // Asked for by its path, systemd makes up what it does not have.
      return unit['LoadState'] === 'loaded' ? unitState(unit, service) : undefined;
    } catch (error) {
      if (hasNoUnit(error)) return undefined;
      throw error;
    }
  }

  /** All units whose names fit the pattern, glob(7). */
  async listUnits(pattern: string): Promise<ListedUnit[]> {
    const listed = await this.#call<string[][]>('ListUnitsByPatterns', 'asas', [[], [pattern]]);
    return listed
      .filter(([, , loadState]) => loadState === 'loaded')
      .map(([name = '', description = '', , activeState = '', subState = '']) => {
        return { name, description, activeState, subState };
      });
  }

  /** systemd's own version, such as "252.39-1~deb12u2". */
  version(): Promise<string> {
    const call = { ...MANAGER, interface: PROPERTIES, member: 'Get', signature: 'ss' };
    return this.#bus.call({ ...call, body: [MANAGER.interface, 'Version'] });
  }

  /** One property of a service; 64-bit numbers come as bigint. */
  serviceProperty<T>(name: string, property: string): Promise<T> {
    return this.#property<T>(name, SERVICE, property);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSubscribe();
    this.#listeners.length = 0;
    await this.#bus.close();
  }

  #property<T>(unit: string, ofInterface: string, property: string): Promise<T> {
    const call = { destination: SYSTEMD, path: unitPath(unit), interface: PROPERTIES, member: 'Get' };
    return this.#bus.call<T>({ ...call, signature: 'ss', body: [ofInterface, property] });
  }

  async #start(name: string, properties: readonly unknown[]): Promise<string> {
    try {
      return await this.#call<string>('StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'fail', properties, []]);
    } catch (error) {
      if (!isRefusal(error, 'InvalidArgs') && !isRefusal(error, 'PropertyReadOnly')) throw error;
      const why = (error as Error).message;
      throw new AgentError('CELL_E_CANNOT_RUN', `Could not run the command as a unit: systemd refuses it: ${why}`, {
        cause: error,
      });
    }
  }

  #call<T>(member: string, signature?: string, body?: readonly unknown[]): Promise<T> {
    return this.#bus.call({ ...MANAGER, member, ...(signature === undefined ? {} : { signature, body: body ?? [] }) });
  }

  async #ifLoaded(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const gone = ['NoSuchUnit', 'NoSuchProcess', 'UnitNotLoaded'].some((reason) => isRefusal(error, reason));
      if (!gone) throw error;
    }
  }

  /** How the job that a call began ended: "done", "failed", "canceled", …; "unknown" if its end was missed. */
  async #job(unit: string, begin: () => Promise<string>): Promise<string> {
    // Watched from before: the end may come in the same breath as the answer.
    const watch: JobWatch = { ended: new Map(), missed: false, settle: undefined, lost: undefined };
    const watches = this.#jobs.get(unit) ?? new Set();
    this.#jobs.set(unit, watches.add(watch));
    try {
      const job = await begin();
      const deadlineMs = this.#clock.monotonicMs() + JOB_MS_MAX;
      while (!watch.ended.has(job) && this.#clock.monotonicMs() < deadlineMs) {
        if (watch.lost !== undefined) throw watch.lost;
        if (!watch.missed) {
          await this.#settled(watch, deadlineMs);
          continue;
        }
        watch.missed = false;
        if (!(await this.#isUnderWay(unit, job))) break;
      }
      return watch.ended.get(job) ?? 'unknown';
    } finally {
      watches.delete(watch);
      if (watches.size === 0) this.#jobs.delete(unit);
    }
  }

  async #isUnderWay(unit: string, job: string): Promise<boolean> {
    try {
      const [, path] = await this.#property<readonly [number, string]>(unit, `${SYSTEMD}.Unit`, 'Job');
      return path === job;
    } catch (error) {
      if (hasNoUnit(error)) return false;
      throw error;
    }
  }

  #settled(watch: JobWatch, deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonicMs()), resolve);
      watch.settle = () => {
        cancel();
        resolve();
      };
    });
  }

  #signalled({ path, interface: iface, member, body }: BusSignal): void {
    if (iface === PROPERTIES) {
      const unit = unitOfPath(path);
      if (unit !== undefined) this.#tell({ type: 'changed', unit, main: mainProcess(body[1] as Properties) });
      return;
    }
    switch (member) {
      case 'JobRemoved':
        this.#jobEnded(String(body[1]), String(body[2]), String(body[3]));
        return;
      case 'UnitRemoved':
        this.#tell({ type: 'removed', unit: String(body[0]) });
        return;
      case 'Reloading':
        if (body[0] === false) this.#reset();
        return;
      case 'NameOwnerChanged':
        if (body[2] !== '') void this.#subscribe();
        return;
    }
  }

  #jobEnded(job: string, unit: string, result: string): void {
    for (const watch of this.#jobs.get(unit) ?? []) {
      watch.ended.set(job, result);
      watch.settle?.();
    }
  }

  /** systemd has forgotten that we listen, or is another process now. */
  async #subscribe(): Promise<void> {
    this.#cancelSubscribe();
    try {
      await this.#bus.learnOwner();
      await this.#call('Subscribe');
    } catch (error) {
      // Lost again, or systemd is busy: what is not heard would never be known.
      if (!isRefusal(error, 'AlreadySubscribed')) {
        if (!this.#closed) {
          this.#cancelSubscribe();
          this.#cancelSubscribe = this.#clock.after(SUBSCRIBE_AGAIN_MS, () => void this.#subscribe());
        }
        return;
      }
    }
    this.#reset();
  }

  #reset(): void {
    for (const watch of this.#watches()) {
      watch.missed = true;
      watch.settle?.();
    }
    this.#tell({ type: 'reset' });
  }

  #lost(): void {
    for (const watch of this.#watches()) {
      watch.lost = new Error('Lost the connection with the system bus while a job was under way');
      watch.settle?.();
    }
  }

  #watches(): JobWatch[] {
    return [...this.#jobs.values()].flatMap((watches) => [...watches]);
  }

  #tell(event: UnitEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function hasNoUnit(error: unknown): boolean {
  return isRefusal(error, 'NoSuchUnit') || isRefusal(error, 'UnknownObject');
}

type Properties = Readonly<Record<string, unknown>>;

function unitState(unit: Properties, service: Properties): UnitState {
  return {
    activeState: String(unit['ActiveState']),
    subState: String(unit['SubState']),
    description: String(unit['Description']),
    invocationId: Buffer.from((unit['InvocationID'] as Uint8Array | undefined) ?? []).toString('hex'),
    main: mainProcess(service),
    controlGroup: text(service['ControlGroup']),
    workingDirectory: text(service['WorkingDirectory']) || '/',
    filtersSystemCalls: (service['SystemCallFilter'] as [boolean, string[]] | undefined)?.[0] === true,
    logExtraFields: ((service['LogExtraFields'] as Uint8Array[] | undefined) ?? []).map((field) =>
      Buffer.from(field).toString(),
    ),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function mainProcess(service: Properties): MainProcess {
  const [stopPost] = (service['ExecStopPost'] as unknown[][] | undefined) ?? [];
  // a(sasbttttuii): path, arguments, ignored, four times, pid, code, status.
  const [code, status] = [Number(stopPost?.[8] ?? 0), Number(stopPost?.[9] ?? 0)];
  return {
    result: text(service['Result']),
    mainPid: Number(service['MainPID'] ?? 0),
    code: Number(service['ExecMainCode'] ?? 0),
    status: Number(service['ExecMainStatus'] ?? 0),
    startedAtUs: BigInt((service['ExecMainStartTimestampMonotonic'] as bigint | undefined) ?? 0),
    stopPost: code === 0 ? undefined : { code, status },
  };
}
