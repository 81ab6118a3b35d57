import { CoreError } from './core-error.ts';
import type { Config } from './types.ts';

const MEBIBYTE = 1024 * 1024;

/** Everything but what is a member's own. A tick is meant to be 50 ms: elections start after 400 to 750 ms. */
export const defaultConfig: Omit<Config, 'id' | 'log' | 'random'> = {
  electionTicks: 8,
  heartbeatTicks: 1,
  applied: 0,
  asyncStorageWrites: false,
  messageSizeMax: MEBIBYTE,
  committedSizePerReadyMax: 16 * MEBIBYTE,
  uncommittedSizeMax: 64 * MEBIBYTE,
  inflightMessagesMax: 256,
  inflightBytesMax: 0,
  checkQuorum: true,
  preVote: true,
  readOnlyOption: 'safe',
  keepPromise: false,
  leaseTime: undefined,
  disableProposalForwarding: false,
  disableConfChangeValidation: false,
  stepDownOnRemoval: true,
  commitByVote: true,
  storeBeforeCampaign: true,
  trace: undefined,
};

/** Throws CoreError `invalid-config` for settings that can't work. */
export function checkConfig(config: Config): void {
  if (!Number.isSafeInteger(config.id) || config.id <= 0) {
    refuse(`Member id '${config.id}' must be a positive safe integer`);
  }
  if (!(config.heartbeatTicks > 0)) refuse(`heartbeatTicks '${config.heartbeatTicks}' must be at least 1`);
  if (!(config.electionTicks > config.heartbeatTicks)) {
    refuse(`electionTicks '${config.electionTicks}' must be more than heartbeatTicks '${config.heartbeatTicks}'`);
  }
  const limits = ['messageSizeMax', 'committedSizePerReadyMax', 'uncommittedSizeMax', 'inflightMessagesMax'] as const;
  for (const name of limits) {
    if (!(config[name] > 0)) refuse(`${name} '${config[name]}' must be more than 0`);
  }
  if (!(config.inflightBytesMax >= 0)) refuse(`inflightBytesMax '${config.inflightBytesMax}' must not be negative`);
  if (config.inflightBytesMax > 0 && config.inflightBytesMax < config.messageSizeMax) {
    refuse(
      `inflightBytesMax '${config.inflightBytesMax}' must not be less than messageSizeMax '${config.messageSizeMax}'`,
    );
  }
  if (config.readOnlyOption === 'lease-based' && !config.checkQuorum) {
    refuse("readOnlyOption 'lease-based' needs checkQuorum: without it a lease has no end");
  }
  if (config.keepPromise && !config.checkQuorum) {
    refuse('keepPromise needs checkQuorum: without it no leader is promised anything');
  }
}

function refuse(reason: string): never {
  throw new CoreError('invalid-config', reason);
}
