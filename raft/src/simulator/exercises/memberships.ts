import type { ConfChangeSingle, NodeId } from '../../core/index.ts';
import type { QuietCluster } from '../quiet-cluster.ts';
import type { Exercise } from './exercise.ts';
import { isGuarded, othersThan, readFromFormer } from './exercise.ts';

const COMMIT_ELECTIONS_MAX = 4;

/**
 * Of an even number of voters one is removed, while just a majority is there. What is proposed behind the change gets
 * one answer less, and is committed all the same when the change takes effect: by then a smaller majority is enough.
 */
export const shrinkQuorum: Exercise = {
  name: 'a removal makes the quorum smaller',
  weight: (scenario) => (isGuarded(scenario) ? 5 : 0),
  run(quiet) {
    makeEven(quiet);
    const { leader } = quiet.present();
    const others = leader === undefined ? [] : othersThan(leader.parts.id, leader.conf.voters);
    if (leader === undefined || others.length % 2 === 0) return;
    const { cluster, clients, random, electionMs } = quiet;
    const { network, ids } = cluster;
    const order = random.sample(others, others.length);
    const needed = order.slice(0, (others.length + 1) / 2);
    const away = order.slice(needed.length);
    const last = needed[0] as NodeId;
    for (const id of away) network.isolate(id, ids);
    // What is held up arrives although the link is cut.
    network.holdUp(leader.parts.id, electionMs / 4);
    remove(quiet, away[0] ?? last);
    const index = leader.view.lastIndex;
    quiet.may(1, () => cluster.member(last).disk.durable.lastIndex() >= index);
    network.isolate(last, ids);
    const [proposed] = clients.command(leader);
    quiet.must('what the smaller quorum has is committed', COMMIT_ELECTIONS_MAX, () => {
      return proposed?.answeredMs !== undefined || proposed?.failed === true || !leader.leading;
    });
  },
};

function makeEven(quiet: QuietCluster): void {
  const { leader } = quiet.present();
  if (leader === undefined || leader.conf.voters.length < 3 || leader.conf.voters.length % 2 === 0) return;
  remove(quiet, quiet.random.pick(othersThan(leader.parts.id, leader.conf.voters)));
  quiet.comeTogether();
}

function remove(quiet: QuietCluster, id: NodeId): void {
  const { leader } = quiet.present();
  quiet.cluster.trace?.(`*** ${id} is to be removed`);
  const changes = [{ type: 'remove', node: id }] as const;
  leader?.input((node) => node.proposeConfChange({ transition: 'auto', changes, context: new Uint8Array(0) }));
}

/**
 * A leader enters a joint configuration, and is cut off with the new voters before the others hear that the change is
 * committed: a majority of the old voters, who elect another leader. The new voters alone can't confirm a read then.
 */
export const divideJoint: Exercise = {
  name: 'a joint configuration is divided into its halves',
  weight: (scenario) => (isGuarded(scenario) ? 5 : 0),
  run(quiet) {
    const { leader } = quiet.present();
    if (leader === undefined) return;
    const { cluster, random } = quiet;
    const { network, ids } = cluster;
    const { id } = leader.parts;
    const { voters } = leader.conf;
    const kept = voters.length - Math.floor(voters.length / 2) - 1;
    const old = random.sample(othersThan(id, voters), voters.length).slice(Math.max(0, kept - 1));
    const side = ids.filter((one) => !old.includes(one) && !cluster.member(one).disk.damaged);
    if (old.length * 2 <= voters.length || side.length < 2) return;
    const changes = [
      ...side.filter((one) => !voters.includes(one)).map((node): ConfChangeSingle => ({ type: 'add-voter', node })),
      ...old.map((node): ConfChangeSingle => ({ type: 'remove', node })),
    ];
    cluster.trace?.(`*** ${old.join(' ')} are to give way to ${side.join(' ')}`);
    // What is held up arrives although the link is cut.
    network.holdUp(id, quiet.electionMs / 4);
    const context = new Uint8Array(0);
    leader.input((node) => node.proposeConfChange({ transition: 'joint-explicit', changes, context }));
    const index = leader.view.lastIndex;
    // Just as many of the others have it on their disks as the leader needs to commit it.
    const needed = old.length - kept;
    const informed = () => old.filter((one) => cluster.member(one).disk.durable.lastIndex() >= index);
    if (!quiet.may(1, () => informed().length >= needed)) return;
    divide(quiet, old);
    const rival = random.pick(informed());
    quiet.may(1, () => leader.conf.votersOutgoing.length > 0);
    // Only now may the leader hear of its side without delay again.
    network.heal();
    divide(quiet, old);
    for (const one of old) cluster.process(one)?.input((node) => node.forgetLeader());
    cluster.process(rival)?.input((node) => node.campaign());
    readFromFormer(quiet, leader, rival);
  },
};

function divide({ cluster }: QuietCluster, apart: readonly NodeId[]): void {
  for (const one of apart) {
    for (const other of cluster.ids) {
      if (apart.includes(other)) continue;
      cluster.network.cut(one, other);
      cluster.network.cut(other, one);
    }
  }
}
