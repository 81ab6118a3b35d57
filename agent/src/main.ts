/** The agent's program: makes an agent of the real clock, disk and network, and lives until a signal ends it. */

import type { SettingsSource } from '@cell/config';
import { type Duty, runDaemon } from '@cell/daemon';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { AGENT_MANUAL } from './agent-manual.ts';
import { type AgentSettings, agentConfig, CONFIG_FILE, loadAgentSettings } from './config/agent-config.ts';
import { isReadableByAll } from './identity/join-token.ts';
import { findOwnAddress } from './inventory/own-address.ts';
import { type Agent, startAgent } from './start-agent.ts';
import { agentVersion } from './version.ts';

/** The file that was read last; empty: none. */
let configurationFile = '';

function load(source: SettingsSource): AgentSettings {
  configurationFile = source.file;
  return loadAgentSettings(source);
}

function start(settings: AgentSettings, log: Logger): Duty {
  // Its own words would come between ours; what matters of them is in the errors that it gives.
  setLogVerbosity(logVerbosity.NONE);
  let agent: Agent | undefined;
  const starting = startConfigured(settings, log);
  return {
    started: starting.then((started) => {
      agent = started;
    }),
    standing: () => ({ ready: agent !== undefined, text: agent?.status() ?? 'Takes up what runs here' }),
    // A signal during the start waits for its end, so that nothing is left half made.
    stop: () => starting.then((started) => started.close()),
  };
}

async function startConfigured(settings: AgentSettings, log: Logger): Promise<Agent> {
  const inFile = settings.join_token !== undefined && (process.env['CELL_JOIN_TOKEN'] ?? '') === '';
  if (inFile && isReadableByAll(configurationFile)) {
    const advice = `run "chmod 600 ${configurationFile}", or use "join_token_file"`;
    log.warn({}, `Every user of this machine can read the token in "${configurationFile}"; ${advice}`);
  }
  const address = settings.address ?? (await findOwnAddress(settings.control_plane));
  return startAgent(agentConfig(settings, address), { log });
}

runDaemon({
  manual: AGENT_MANUAL,
  version: agentVersion,
  configFile: CONFIG_FILE,
  load,
  logFields: ({ name }) => ({ name: 'cell-agent', node: name }),
  start,
  stopping: '; what runs runs on',
});
