/** The control plane's program: makes a member of the real clock, disk and network, and lives until a signal ends it. */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { CONFIG_FILE, loadMemberConfig } from './config/member-config.ts';
import { openLog } from './open-log.ts';
import { type Member, startMember } from './start-member.ts';
import { VERSION } from './version.ts';

const HELP = `cell-control-plane keeps the state of a fleet, together with the other members of its control plane.

Usage: cell-control-plane [--config FILE]

Flags:
  --config FILE  configuration (default: CELL_CONFIG, else ${CONFIG_FILE})
  --version      print the version
  --help         print this

Example:
  cell-control-plane --config /etc/cell/control-plane.toml
`;

/** How long an orderly end may take before the process just ends. */
const STOP_MS_MAX = 4500;

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.help === true) process.stdout.write(HELP);
  else if (flags.version === true) process.stdout.write(`cell-control-plane ${VERSION}\n`);
  else await run(flags.config ?? process.env['CELL_CONFIG'] ?? CONFIG_FILE);
}

function readFlags() {
  const options = { config: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    fail(coded('CELL_E_CONFIG', `${(error as Error).message.split('\n')[0]}; see "cell-control-plane --help"`));
  }
}

async function run(configFile: string): Promise<void> {
  // Its own words would come between ours; what matters of them is in the errors that it gives.
  setLogVerbosity(logVerbosity.NONE);
  const config = loadMemberConfig(configFile);
  const log = openLog(config.log.level, config.id);
  // Node would do it at the end, but a daemon's end is often sudden: the next start is quicker and takes less memory.
  flushCompileCache();
  const member = await startMember(config, { log, onFatal: fail });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, `Stopping on ${signal}`);
      stop(member);
    });
  }
}

function stop(member: Member): void {
  setTimeout(() => fail(coded('CELL_E_TIMEOUT', `Member did not stop within ${STOP_MS_MAX} ms`)), STOP_MS_MAX).unref();
  member.stop().then(() => process.exit(0), fail);
}

/** One line on standard error, and the end. */
function fail(error: unknown): never {
  const { code: ownCode, message, stack } = error as Partial<Error> & { code?: unknown };
  // What consensus finds out about this member's log is for people too.
  const code = ownCode === 'log-lost' ? 'CELL_E_DATA_LOST' : ownCode;
  const known = typeof code === 'string' && code.startsWith('CELL_E_');
  const line = known ? `${code}: ${message}` : `CELL_E_INTERNAL: ${stack ?? String(error)}`;
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main().catch(fail);
