import { jointCommitted, jointVote, voterIds } from '../core/quorum/joint.ts';
import type { NodeId } from '../core/types.ts';
import type { Directive } from './transcript.ts';

/** Runs `committed` and `vote`: decisions of a quorum, without any state. */
export function runQuorumCommand(directive: Directive): string {
  const incoming = numbers(directive, 'cfg');
  const outgoing = numbers(directive, 'cfgj');
  const voters = { incoming: sorted(incoming), outgoing: sorted(outgoing) };
  // Values belong to the members in the order in which they are written, each once.
  const ids = [...new Set([...incoming, ...outgoing])];
  const values = directive.args.find(({ key }) => key === 'idx' || key === 'votes')?.values ?? [];
  if (values.length !== ids.length) {
    return `error: mismatched input (explicit or _) for voters [${ids.join(' ')}]: [${values.join(' ')}]`;
  }
  if (directive.command === 'vote') {
    const votes = new Map<NodeId, boolean>();
    for (const [at, id] of ids.entries()) if (values[at] !== '_') votes.set(id, values[at] === 'y');
    const names = { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' } as const;
    return names[jointVote(voters, votes)];
  }
  if (directive.command !== 'committed') throw new Error('unknown command');
  const acked = new Map<NodeId, number>();
  for (const [at, id] of ids.entries()) if (values[at] !== '_') acked.set(id, Number(values[at]));
  const committed = jointCommitted(voters, { ackedIndex: (id) => acked.get(id) });
  return `${chart(voterIds(voters), acked)}${committed === Number.POSITIVE_INFINITY ? '∞' : committed}`;
}

/** A bar per voter, the longer the more are behind it. */
function chart(ids: readonly NodeId[], acked: ReadonlyMap<NodeId, number>): string {
  if (ids.length === 0) return '<empty majority quorum>';
  const ascending = ids.map((id) => ({ id, index: acked.get(id) ?? 0 })).sort((a, b) => a.index - b.index);
  const bars = new Map<NodeId, number>();
  let bar = 0;
  for (const [at, { id, index }] of ascending.entries()) {
    if (at > 0 && (ascending[at - 1]?.index ?? 0) < index) bar = at;
    bars.set(id, bar);
  }
  const width = ids.length;
  let text = `${' '.repeat(width)}    idx\n`;
  for (const id of ids) {
    const length = bars.get(id) ?? 0;
    text += acked.has(id) ? `${'x'.repeat(length)}>${' '.repeat(width - length)}` : `?${' '.repeat(width)}`;
    text += ` ${String(acked.get(id) ?? 0).padStart(5)}    (id=${id})\n`;
  }
  return text;
}

function numbers(directive: Directive, key: string): NodeId[] {
  const values = directive.args.find((argument) => argument.key === key)?.values ?? [];
  // `zero` is an empty outgoing set that is written out.
  return values.filter((value) => value !== 'zero').map(Number);
}

function sorted(ids: readonly NodeId[]): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
