import { CoreError } from './core-error.ts';
import { checkConfig } from './default-config.ts';
import { restoreConfState } from './membership.ts';
import { Raft } from './raft.ts';
import { becomeFollower } from './roles.ts';
import type { Config } from './types.ts';

/**
 * A member as its storage left it, as a follower. Throws CoreError `invalid-config`, or `log-lost` if the log ends
 * before what this member once knew to be committed or had applied.
 */
export function startRaft(config: Config): Raft {
  checkConfig(config);
  const { hardState, conf } = config.log.initialState();
  const raft = new Raft(config);
  const { log } = raft;
  restoreConfState(raft, conf);
  // The commit index is never synced for its own sake, so the stored one may be behind what the state machine has
  // applied, or behind the snapshot: what is applied was committed, so the largest of them holds.
  const committed = Math.max(hardState.commit, config.applied, log.committed);
  if (committed > log.lastIndex()) {
    throw new CoreError(
      'log-lost',
      `Can't start member '${config.id}': index '${committed}' was committed, but the log ends at ` +
        `'${log.lastIndex()}'; wipe its data and let it join again`,
    );
  }
  log.committed = committed;
  raft.term = hardState.term;
  // In term 0 there was hardly a leader to promise anything to; but heartbeats are answered before a term is stored.
  raft.promiseForgotten = config.readOnlyOption === 'lease-based' && hardState.term > 0;
  if (config.keepPromise) raft.promiseForgotten = true;
  raft.vote = hardState.vote;
  if (config.applied > log.applied) log.appliedTo(config.applied, 0);
  becomeFollower(raft, raft.term, 0);
  raft.trace({
    level: 'info',
    kind: 'started',
    id: raft.id,
    voters: conf.voters,
    votersOutgoing: conf.votersOutgoing,
    term: raft.term,
    committed: log.committed,
    applied: log.applied,
    lastIndex: log.lastIndex(),
    lastTerm: log.lastTerm(),
  });
  return raft;
}
