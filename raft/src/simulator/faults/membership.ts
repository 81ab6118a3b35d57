import type { ConfChange, ConfChangeSingle, ConfState, NodeId } from '../../core/index.ts';
import { LEAVE_JOINT } from '../../core/index.ts';
import type { Random } from '../random.ts';
import type { Fault } from './fault.ts';

const CHANGES_MAX = 4;

/** A change of membership of any kind, sensible or not. */
export const changeMembership: Fault = {
  name: 'change of membership',
  weights: { membership: 10 },
  strike({ cluster, random }) {
    const [leader] = cluster.leaders();
    const asked = leader !== undefined && random.chance(0.9) ? leader : random.pick(cluster.running());
    // Several in a row: only one may be under way at a time.
    for (let count = random.pick([1, 1, 3]); count > 0 && asked.alive; count--) {
      const change = makeChange(random, cluster.ids, asked.view.conf);
      cluster.trace?.(`${asked.parts.id} is asked for ${changeText(change)}`);
      asked.input((node) => node.proposeConfChange(change));
    }
  },
};

function makeChange(random: Random, ids: readonly NodeId[], conf: ConfState): ConfChange {
  if (conf.votersOutgoing.length > 0 && random.chance(0.6)) return LEAVE_JOINT;
  const count = random.chance(0.5) ? 1 : random.whole(1, CHANGES_MAX);
  const changes = random.sample(ids, count).map((node): ConfChangeSingle => {
    const member = conf.voters.includes(node) || conf.learners.includes(node);
    // Whoever is no member is added, else the cluster would soon have none but one.
    if (!member) return { type: random.chance(0.7) ? 'add-voter' : 'add-learner', node };
    return { type: random.pick(['add-voter', 'add-learner', 'remove'] as const), node };
  });
  const transition = random.weighted([
    [3, 'auto'],
    [2, 'joint-implicit'],
    [2, 'joint-explicit'],
  ] as const);
  return { transition, changes, context: new Uint8Array(0) };
}

function changeText({ transition, changes }: ConfChange): string {
  if (changes.length === 0) return 'the end of the joint configuration';
  return `${changes.map(({ type, node }) => `${type} ${node}`).join(', ')} (${transition})`;
}
