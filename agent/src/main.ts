/** The agent's program: makes an agent of the real clock, disk and network, and lives until a signal ends it. */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { loadAgentConfig } from './config/agent-config.ts';
import { openLog } from './open-log.ts';
import { type Agent, startAgent } from './start-agent.ts';
import { agentVersion } from './version.ts';

const CONFIG_FILE = '/etc/cell/agent.toml';
const HELP = `cell-agent runs on a node what the fleet's control plane wants there.

Usage: cell-agent [--config FILE]

Flags:
  --config FILE  configuration (default: CELL_CONFIG, else ${CONFIG_FILE})
  --version      print the version
  --help         print this

What it runs goes on when it ends; a new start takes it up again.

Example:
  cell-agent --config /etc/cell/agent.toml
`;

/** How long an orderly end may take before the process just ends. */
const STOP_MS_MAX = 4_500;

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.help === true) process.stdout.write(HELP);
  else if (flags.version === true) process.stdout.write(`cell-agent ${agentVersion}\n`);
  else await run(flags.config ?? process.env['CELL_CONFIG'] ?? CONFIG_FILE);
}

function readFlags() {
  const options = { config: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    fail(coded('CELL_E_CONFIG', `${(error as Error).message.split('\n')[0]}; see "cell-agent --help"`));
  }
}

async function run(configFile: string): Promise<void> {
  // Its own words would come between ours; what matters of them is in the errors that it gives.
  setLogVerbosity(logVerbosity.NONE);
  const config = loadAgentConfig(configFile);
  const log = openLog(config.logLevel, config.name);
  // Node would do it at the end, but a daemon's end is often sudden: the next start is quicker and takes less memory.
  flushCompileCache();
  // A signal during the start waits for its end, so that nothing is left half made.
  let agent: Agent | undefined;
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, `Stopping on ${signal}; what runs runs on`);
      if (agent !== undefined) stop(agent);
    });
  }
  agent = await startAgent(config, { log });
  if (stopping) stop(agent);
  // Its timers keep no process alive, so that tests end; this one does.
  setInterval(() => undefined, 2 ** 30);
}

function stop(agent: Agent): void {
  setTimeout(() => fail(coded('CELL_E_TIMEOUT', `Agent did not stop within ${STOP_MS_MAX} ms`)), STOP_MS_MAX).unref();
  agent.close().then(() => process.exit(0), fail);
}

/** One line on standard error, and the end. */
function fail(error: unknown): never {
  const { code, message, stack } = error as Partial<Error> & { code?: unknown };
  const known = typeof code === 'string' && code.startsWith('CELL_E_');
  process.stderr.write(`${known ? `${code}: ${message}` : `CELL_E_INTERNAL: ${stack ?? String(error)}`}\n`);
  process.exit(1);
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main().catch(fail);
