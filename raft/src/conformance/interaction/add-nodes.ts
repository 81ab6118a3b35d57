import { defaultConfig, EMPTY_CONF_STATE } from '../../core/index.ts';
import type { Config, NodeId, Snapshot } from '../../core/types.ts';
import type { Directive } from '../transcript.ts';
import type { Environment } from './environment.ts';
import { Member } from './member.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The reference's test settings: what we have as safe defaults beyond it is off, and nothing is limited. The README
 * beside this folder lists what differs from our defaults, and why; a test holds the two together.
 */
export const REFERENCE_CONFIG: Omit<Config, 'id' | 'log'> = {
  ...defaultConfig,
  electionTicks: 3,
  heartbeatTicks: 1,
  messageSizeMax: Number.POSITIVE_INFINITY,
  committedSizePerReadyMax: Number.POSITIVE_INFINITY,
  uncommittedSizeMax: Number.POSITIVE_INFINITY,
  inflightMessagesMax: 2 ** 31 - 1,
  checkQuorum: false,
  preVote: false,
  stepDownOnRemoval: false,
  commitByVote: false,
  // Nor does it wait with vote requests.
  storeBeforeCampaign: false,
  // Always the longest timeout: transcripts that let time pass set the one they need.
  random: (below) => below - 1,
};

/** `add-nodes N voters=(1,2) learners=(3) index=10 …`: N members, with an initial state if one is given. */
export function addNodes(environment: Environment, directive: Directive): void {
  const count = Number(directive.args[0]?.key);
  const config: Mutable<Omit<Config, 'id' | 'log'>> = { ...REFERENCE_CONFIG };
  let voters: NodeId[] = [];
  let learners: NodeId[] = [];
  let index = 0;
  let content = '';
  for (const { key, values } of directive.args.slice(1)) {
    const value = values[0] ?? '';
    switch (key) {
      case 'voters':
        voters = values.map(Number);
        break;
      case 'learners':
        learners = values.map(Number);
        break;
      case 'index':
        index = Number(value);
        break;
      case 'content':
        content = value;
        break;
      default:
        set(config, key, value);
    }
  }
  config.applied = index;
  const bootstrap = voters.length > 0 || learners.length > 0 || index > 0 || content !== '';
  if (bootstrap && index <= 1) throw new Error('index must be specified as > 1 due to bootstrap');
  const initial: Snapshot = {
    meta: { index, term: bootstrap ? 1 : 0, conf: { ...EMPTY_CONF_STATE, voters, learners } },
    data: new TextEncoder().encode(content),
  };
  for (let i = 0; i < count; i++) {
    const id = environment.members.length + 1;
    const trace: Config['trace'] = (event) => environment.output.trace(event);
    environment.members.push(new Member(id, { ...config, trace }, initial));
  }
}

function set(config: Mutable<Omit<Config, 'id' | 'log'>>, key: string, value: string): void {
  switch (key) {
    case 'inflight':
      config.inflightMessagesMax = Number(value);
      break;
    case 'async-storage-writes':
      config.asyncStorageWrites = value === 'true';
      break;
    case 'prevote':
      config.preVote = value === 'true';
      break;
    case 'checkquorum':
      config.checkQuorum = value === 'true';
      break;
    case 'max-committed-size-per-ready':
      config.committedSizePerReadyMax = Number(value);
      break;
    case 'disable-conf-change-validation':
      config.disableConfChangeValidation = value === 'true';
      break;
    case 'read-only':
      config.readOnlyOption = value === 'lease-based' ? 'lease-based' : 'safe';
      break;
    case 'step-down-on-removal':
      config.stepDownOnRemoval = value === 'true';
      break;
    default:
      throw new Error(`unknown argument '${key}'`);
  }
}
