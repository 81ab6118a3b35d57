/** When a change of membership may be made, judged by what the leader knows. Pure. */
import type { RaftStatus } from '@cell/raft';
import { CellError } from '../cell-error.ts';

/** Entries of the leader's log that a learner may lack and count as caught up: a moment's worth of writing. */
export const LAG_ENTRIES_MAX = 1_000;

/** What the guards look at. */
export type LeaderView = Pick<RaftStatus, 'id' | 'conf' | 'lastIndex' | 'members'>;

/** Throws `CELL_E_NOT_CAUGHT_UP`, with the figures, for a learner that would hold up the others if it had a vote. */
export function checkCaughtUp(view: LeaderView, id: number, electionMs: number): void {
  const progress = view.members.find((member) => member.id === id);
  const { match = 0, state = 'probe', lastContactMs } = progress ?? {};
  const lag = view.lastIndex - match;
  const figures = `it has the log up to ${match} of ${view.lastIndex}, and lacks ${lag} entries of at most ${LAG_ENTRIES_MAX}`;
  const refuse = (why: string, advice: string) => {
    throw new CellError('CELL_E_NOT_CAUGHT_UP', `Member ${id} has not caught up: ${why} (${figures}); ${advice}`);
  };
  if (lastContactMs === undefined) refuse('the leader never heard of it', 'start it, and try again');
  else if (lastContactMs > electionMs) {
    const why = `the leader heard of it ${lastContactMs} ms ago, and ${electionMs} ms ago would be soon enough`;
    refuse(why, 'see whether it runs and can be reached, and try again');
  } else if (state === 'snapshot') refuse('it is being sent a snapshot', 'try again in a moment');
  else if (lag > LAG_ENTRIES_MAX) refuse('it lags too far behind', 'try again in a moment');
}

/** Throws `CELL_E_CONFLICT` if the cluster could not go on without that voter; `force` covers all but the last voter. */
export function checkRemoval(view: LeaderView, id: number, force: boolean, electionMs: number): void {
  const { voters } = view.conf;
  if (!voters.includes(id)) return;
  const remaining = voters.filter((voter) => voter !== id);
  if (remaining.length === 0) {
    const message = `Member ${id} is the last one that votes, and cannot be removed; add and promote another one first`;
    throw new CellError('CELL_E_CONFLICT', message);
  }
  const needed = Math.floor(remaining.length / 2) + 1;
  const away = remaining.filter((voter) => !isReachable(view, voter, electionMs));
  if (force || remaining.length - away.length >= needed) return;
  const who = `${away.length === 1 ? 'member' : 'members'} ${away.join(', ')}`;
  const message =
    `Without member ${id}, ${needed} of the ${remaining.length} that remain must be reached, and ${who} cannot be; ` +
    'start them first, or force it';
  throw new CellError('CELL_E_CONFLICT', message);
}

/** Voters that the leader hears of, itself left out; who has the most of the log comes first. */
export function reachableVoters(view: LeaderView, electionMs: number): number[] {
  const others = view.members.filter((member) => member.id !== view.id && view.conf.voters.includes(member.id));
  return others
    .filter((member) => isReachable(view, member.id, electionMs))
    .sort((one, other) => other.match - one.match || one.id - other.id)
    .map((member) => member.id);
}

function isReachable(view: LeaderView, id: number, electionMs: number): boolean {
  if (id === view.id) return true;
  const contact = view.members.find((member) => member.id === id)?.lastContactMs;
  return contact !== undefined && contact <= electionMs;
}
