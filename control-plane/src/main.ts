/** The control plane's program: makes a member of the real clock, disk and network, and lives until a signal ends it. */
import type { SettingsSource } from '@cell/config';
import { type Duty, runDaemon } from '@cell/daemon';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from './cell-error.ts';
import { CONFIG_FILE, loadMemberConfig, type MemberConfig } from './config/member-config.ts';
import { initMember } from './init-member.ts';
import { joinByHand } from './join-by-hand.ts';
import { makeClusterId } from './member-entrance.ts';
import { MEMBER_MANUAL } from './member-manual.ts';
import { MemberRunner } from './member-runner.ts';
import { openTokenWarning } from './open-token-warning.ts';
import { realClock } from './real-clock.ts';
import { recoverMember } from './recover-member.ts';
import { VERSION } from './version.ts';

/** Where the configuration was read: `start` warns of secrets in it that everybody can read. */
let configurationFile = CONFIG_FILE;

function load(source: SettingsSource): MemberConfig {
  configurationFile = source.file;
  return loadMemberConfig(source);
}

function start(config: MemberConfig, log: Logger, onFatal: (error: unknown) => void): Duty {
  // Its own words would come between ours; what matters of them is in the errors that it gives.
  setLogVerbosity(logVerbosity.NONE);
  const warning = openTokenWarning(config, configurationFile, process.env);
  if (warning !== '') log.warn(warning);
  const runner = new MemberRunner(config, log, (error) => onFatal(forPeople(error)));
  return {
    started: runner.start().catch((error: unknown) => {
      throw forPeople(error);
    }),
    standing: () => runner.standing(),
    stop: () => runner.stop(),
  };
}

/** What consensus finds out about this member's log is for people too. */
function forPeople(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message: string };
  return code === 'log-lost' ? new CellError('CELL_E_DATA_LOST', message, { cause: error }) : error;
}

/** Makes a stopped member the only one of its cluster. */
async function recover(
  config: MemberConfig,
  { confirm }: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<void> {
  if (confirm !== config.cluster) {
    const message = `Recovery is not confirmed: say --confirm ${config.cluster} to go on with member ${config.id} alone`;
    throw new CellError('CELL_E_CONFIG', message);
  }
  const clusterId = makeClusterId();
  const { lastIndex, dropped, retired } = await recoverMember(config, { clusterId, log, timeMs: Date.now() });
  const without = dropped.length === 0 ? 'no other member was known' : `without ${dropped.join(', ')}`;
  process.stdout.write(
    `Member ${config.id} is the only one now, ${without}, of cluster "${config.cluster}" (id ${clusterId}).\n` +
      `All of its log counts, up to index ${lastIndex}. The old log is in "${retired}". Start the member now.\n`,
  );
}

/** Makes the first machine of a new control plane a member. */
async function init(config: MemberConfig, flags: Readonly<Record<string, string | undefined>>): Promise<void> {
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopped) process.exit(1);
      stopped = true;
    });
  }
  const say = async (text: string) => {
    if (stopped) throw new CellError('CELL_E_STOPPED', 'Was told to stop: this machine is as it was before');
    await print(text);
  };
  await initMember(config, flags, realClock, say, configurationFile);
}

/** Rejects with `CELL_E_CONFIG` if standard output takes no more: a full disk, or nobody who reads. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (cause?: Error | null) => {
      if (cause === undefined || cause === null) return resolve();
      reject(new CellError('CELL_E_CONFIG', `Cannot write to standard output: ${cause.message}`, { cause }));
    };
    process.stdout.once('error', done);
    try {
      process.stdout.write(text, done);
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Makes another machine a member. */
async function join(config: MemberConfig, flags: Readonly<Record<string, string | undefined>>): Promise<void> {
  setLogVerbosity(logVerbosity.NONE);
  // Nothing else keeps the process while it waits for the next time to ask.
  const waiting = setInterval(() => undefined, 2 ** 30);
  await print(await joinByHand(config, flags, realClock, configurationFile));
  clearInterval(waiting);
}

runDaemon({
  manual: MEMBER_MANUAL,
  version: VERSION,
  configFile: CONFIG_FILE,
  load,
  logFields: ({ id }) => ({ name: 'cell-control-plane', member: id }),
  start,
  verbs: { init, join, recover },
  flags: ['confirm', 'admin-token-file', 'join-token-file', 'token-file'],
  stopping: '',
});
