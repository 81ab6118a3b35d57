import type { ConfChangeSingle, NodeId } from '../../core/index.ts';
import type { Process } from '../process.ts';
import type { QuietCluster } from '../quiet-cluster.ts';
import type { Exercise } from './exercise.ts';
import { isGuarded, othersThan } from './exercise.ts';

const BATCHES_MAX = 20;
const BATCH = 4;
/** Snapshots that come less often take too many commands. */
const SNAPSHOT_EVERY_ENTRIES_MAX = 25;

/**
 * A follower that has a change of membership, but not heard that it is committed, is cut off. Meanwhile the change is
 * undone, and the log behind it dropped. When the follower is back it applies the one change, slowly, and gets the
 * snapshot that holds both: what is still being applied must not be put over the membership of the snapshot (hazard 2).
 */
export const overtakeApply: Exercise = {
  name: 'a snapshot overtakes a change of membership',
  weight: (scenario) => {
    const { mode, snapshotEveryEntries } = scenario.storage;
    return isGuarded(scenario) && mode === 'asynchronous' && snapshotEveryEntries <= SNAPSHOT_EVERY_ENTRIES_MAX ? 8 : 0;
  },
  run(quiet) {
    const { leader } = quiet.present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { cluster, random, electionMs } = quiet;
    const { network, ids } = cluster;
    const { voters } = leader.conf;
    const behind = random.pick(othersThan(leader.parts.id, voters));
    const { disk } = cluster.member(behind);
    const change = pickChange(quiet, leader, behind);
    if (change === undefined) return;
    // What is held up arrives although the link is cut.
    network.holdUp(leader.parts.id, electionMs / 4);
    const index = propose(leader, change.done);
    quiet.may(1, () => disk.durable.lastIndex() >= index);
    network.heal();
    network.isolate(behind, ids);
    if (!quiet.may(2, () => leader.machine.applied >= index)) return;
    propose(leader, change.undone);
    if (!compactBehind(quiet, leader, index)) return;
    disk.extraWriteMs = electionMs;
    disk.extraApplyMs = electionMs;
    network.heal();
    quiet.pass(electionMs);
    disk.extraWriteMs = 0;
    disk.extraApplyMs = 0;
  },
};

/** A change that is easily undone, and leaves both members what they are. */
function pickChange({ cluster, random }: QuietCluster, leader: Process, behind: NodeId) {
  const { voters, learners } = leader.conf;
  const others = cluster.ids.filter((id) => {
    if (id === leader.parts.id || id === behind || cluster.member(id).disk.damaged) return false;
    return voters.length > 3 || !voters.includes(id);
  });
  if (others.length === 0) return undefined;
  const node = random.pick(others);
  const [done, undone] = voters.includes(node)
    ? (['add-learner', 'add-voter'] as const)
    : learners.includes(node)
      ? (['remove', 'add-learner'] as const)
      : (['add-learner', 'remove'] as const);
  return { done: { type: done, node }, undone: { type: undone, node } };
}

/** Returns the index of the change. */
function propose(leader: Process, change: ConfChangeSingle): number {
  leader.input((node) => {
    node.proposeConfChange({ transition: 'auto', changes: [change], context: new Uint8Array(0) });
  });
  return leader.view.lastIndex;
}

/** Has so much committed that the leader needs a snapshot for who only has what is up to `index`. */
function compactBehind(quiet: QuietCluster, leader: Process, index: number): boolean {
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const commands = quiet.clients.command(leader, BATCH);
    if (!quiet.may(2, () => commands.every(({ answeredMs, failed }) => answeredMs !== undefined || failed)))
      return false;
    if (leader.parts.disk.log.firstIndex() > index + 1) return true;
  }
  return false;
}
