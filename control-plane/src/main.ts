/** The control plane's program: makes a member of the real clock, disk and network, and lives until a signal ends it. */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { CONFIG_FILE, loadMemberConfig } from './config/member-config.ts';
import { makeClusterId } from './member-entrance.ts';
import { MemberRunner } from './member-runner.ts';
import { openLog } from './open-log.ts';
import { recoverMember } from './recover-member.ts';
import { VERSION } from './version.ts';

const HELP = `cell-control-plane keeps the state of a fleet, together with the other members of its control plane.

Usage: cell-control-plane [--config FILE]
       cell-control-plane recover --confirm CLUSTER [--config FILE]

The first runs a member. The second is for when most members are lost for good, and the one that is left is stopped: it
makes that one the only member. What only the lost ones had is gone. "cellctl control-plane recover" does the same to a
member that runs, and looks first whether others can be reached.

Flags:
  --config FILE      configuration (default: CELL_CONFIG, else ${CONFIG_FILE})
  --confirm CLUSTER  the cluster's name, to confirm a recovery
  --version          print the version
  --help             print this

Example:
  cell-control-plane --config /etc/cell/control-plane.toml
`;

/** How long an orderly end may take before the process just ends. */
const STOP_MS_MAX = 4500;

async function main(): Promise<void> {
  const { flags, verb } = readFlags();
  const configFile = flags.config ?? process.env['CELL_CONFIG'] ?? CONFIG_FILE;
  if (flags.help === true) process.stdout.write(HELP);
  else if (flags.version === true) process.stdout.write(`cell-control-plane ${VERSION}\n`);
  else if (verb === 'recover') await recover(configFile, flags.confirm);
  else if (verb === undefined) await run(configFile);
  else fail(coded('CELL_E_CONFIG', `There is no command "${verb}"; see "cell-control-plane --help"`));
}

function readFlags() {
  const options = {
    config: { type: 'string' },
    confirm: { type: 'string' },
    help: { type: 'boolean' },
    version: { type: 'boolean' },
  } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length > 1) throw new Error(`Unexpected argument "${positionals[1]}"`);
    return { flags: values, verb: positionals[0] };
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
  const runner = new MemberRunner(config, log, fail);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, `Stopping on ${signal}`);
      stop(runner);
    });
  }
  await runner.start();
}

function stop(runner: MemberRunner): void {
  setTimeout(() => fail(coded('CELL_E_TIMEOUT', `Member did not stop within ${STOP_MS_MAX} ms`)), STOP_MS_MAX).unref();
  runner.stop().then(() => process.exit(0), fail);
}

/** Makes a stopped member the only one of its cluster. */
async function recover(configFile: string, confirmed: string | undefined): Promise<void> {
  const config = loadMemberConfig(configFile);
  if (confirmed !== config.cluster) {
    const message = `Recovery is not confirmed: say --confirm ${config.cluster} to go on with member ${config.id} alone`;
    fail(coded('CELL_E_CONFIG', message));
  }
  const log = openLog(config.log.level, config.id);
  const clusterId = makeClusterId();
  const { lastIndex, dropped, retired } = await recoverMember(config, { clusterId, log, timeMs: Date.now() });
  const without = dropped.length === 0 ? 'no other member was known' : `without ${dropped.join(', ')}`;
  process.stdout.write(
    `Member ${config.id} is the only one now, ${without}, of cluster "${config.cluster}" (id ${clusterId}).\n` +
      `All of its log counts, up to index ${lastIndex}. The old log is in "${retired}". Start the member now.\n`,
  );
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
