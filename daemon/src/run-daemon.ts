import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { SettingsSource } from '@cell/config';
import type { Logger } from 'pino';
import { readDaemonFlags, settingsSource } from './daemon-flags.ts';
import { type DaemonManual, helpText } from './daemon-manual.ts';
import { coded, fail } from './end.ts';
import { openLog } from './open-log.ts';
import { type DaemonSettings, reload } from './reload.ts';
import { openServiceManager, type ServiceManager } from './service-manager.ts';
import { type Standing, StatusLine } from './status-line.ts';
import { feedWatchdog } from './watchdog.ts';

/** What a daemon does once it is configured. */
export interface Duty {
  /** Resolves once it serves, or was stopped before it did. Rejects with a coded error. */
  readonly started: Promise<void>;
  standing(): Standing;
  /** Ends it in order, also while it starts. */
  stop(): Promise<void>;
}

export type Verb<S> = (settings: S, flags: Readonly<Record<string, string | undefined>>, log: Logger) => Promise<void>;

/** A daemon's program. */
export interface DaemonProgram<S extends DaemonSettings> {
  readonly manual: DaemonManual;
  readonly version: string;
  readonly configFile: string;
  /** Reads and checks the configuration. Throws a coded error. */
  readonly load: (source: SettingsSource) => S;
  /** What every line of its log has. */
  readonly logFields: (settings: S) => Readonly<Record<string, unknown>>;
  /** `onFatal` is for what it can't go on after. */
  readonly start: (settings: S, log: Logger, onFatal: (error: unknown) => void) => Duty;
  /** Besides running: other things that the program can do, by name; they get the program's own flags. */
  readonly verbs?: Readonly<Record<string, Verb<S>>>;
  /** Names of flags that take a value. */
  readonly flags?: readonly string[];
  /** What is said of the end by a signal. */
  readonly stopping: string;
}

/** How long an orderly end may take before the process just ends. */
const STOP_MS_MAX = 4_500;

/** Runs the program by the process's command line and environment until a signal or an error ends it. */
export function runDaemon<S extends DaemonSettings>(program: DaemonProgram<S>): void {
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  main(program).catch(fail);
}

async function main<S extends DaemonSettings>(program: DaemonProgram<S>): Promise<void> {
  const { flags: ownFlags = [], verbs = {} } = program;
  const { name } = program.manual;
  const flags = readDaemonFlags(name, process.argv.slice(2), ownFlags);
  if (flags.help) return write(helpText(program.manual));
  if (flags.version) return write(`${name} ${program.version}\n`);
  const verb = flags.verb === undefined || !Object.hasOwn(verbs, flags.verb) ? undefined : verbs[flags.verb];
  if (flags.verb !== undefined && verb === undefined) {
    throw coded('CELL_E_CONFIG', `There is no command "${flags.verb}"; see "${name} --help"`);
  }
  const source = settingsSource(flags.config, program.configFile, process.env);
  const settings = program.load(source);
  if (flags.check) return write(`The configuration is right: "${source.file}" and the environment\n`);
  const log = openLog(settings.log.level, program.logFields(settings));
  if (verb !== undefined) return verb(settings, flags.own, log);
  await run(program, settings, source, log);
}

function write(text: string): void {
  process.stdout.write(text);
}

async function run<S extends DaemonSettings>(
  program: DaemonProgram<S>,
  settings: S,
  source: SettingsSource,
  log: Logger,
): Promise<void> {
  nameProcess(program.manual.name);
  // Node would do it at the end, but a daemon's end is often sudden: the next start is quicker and takes less memory.
  flushCompileCache();
  const manager = connectServiceManager(log);
  const duty = program.start(settings, log, fail);
  const status = new StatusLine(manager, () => duty.standing());
  stopOnSignals(program, duty, status, manager, log);
  process.on('SIGHUP', () => reload({ started: settings, read: () => program.load(source), status, manager, log }));
  // Parts of it may keep no process alive, so that tests end; this one does.
  setInterval(() => undefined, 2 ** 30);
  await duty.started;
  status.look();
}

/** What `top` and `systemctl status` call it; Node calls it "MainThread". */
function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // Only Linux has it, and nothing but people's overview depends on it.
  }
}

/** Its variables are for this process alone, not for what it starts: sd_notify(3). */
function connectServiceManager(log: Logger): ServiceManager {
  const environment = { ...process.env };
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  const manager = openServiceManager(environment, (error) => {
    log.warn({ err: error }, 'Could not tell the service manager how it is');
  });
  feedWatchdog(manager, environment, process.pid);
  return manager;
}

function stopOnSignals<S extends DaemonSettings>(
  { manual, stopping: what }: DaemonProgram<S>,
  duty: Duty,
  status: StatusLine,
  manager: ServiceManager,
  log: Logger,
): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, `Stopping on ${signal}${what}`);
      status.stop();
      manager.notify('STOPPING=1', 'STATUS=Stopping');
      const late = coded('CELL_E_TIMEOUT', `${manual.name} did not stop within ${STOP_MS_MAX} ms`);
      setTimeout(() => fail(late), STOP_MS_MAX).unref();
      duty.stop().then(() => process.exit(0), fail);
    });
  }
}
