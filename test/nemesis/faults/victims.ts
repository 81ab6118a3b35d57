import type { Random } from '@cell/raft/simulator';
import type { NemesisMember } from '../fleet/nemesis-member.ts';
import type { Stage } from './fault.ts';

/** Faults hurt most where the leader is. */
const LEADER_CHANCE = 0.7;

/** All members, the first ones to be hurt first; draws the same numbers whoever leads. */
export async function victims({ fleet }: Stage, random: Random): Promise<NemesisMember[]> {
  const order = random.sample(fleet.members, fleet.members.length);
  const leaderFirst = random.chance(LEADER_CHANCE);
  const leader = await fleet.leader();
  if (!leaderFirst || leader === undefined) return order;
  return [leader, ...order.filter((member) => member !== leader)];
}

export function named(members: readonly NemesisMember[]): string {
  if (members.length === 0) return 'nobody';
  const ids = members.map((member) => member.id).sort((one, other) => one - other);
  return `${ids.length === 1 ? 'member' : 'members'} ${ids.join(', ')}`;
}
