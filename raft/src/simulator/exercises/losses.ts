import { ViolationError } from '../checks/violation-error.ts';
import { LEADER_ELECTIONS_MAX } from '../quiet-cluster.ts';
import type { Exercise } from './exercise.ts';
import { isGuarded, isLeased, othersThan, readFromFormer } from './exercise.ts';

const STEP_DOWN_ELECTIONS_MAX = 4;

/** A member that was cut off comes back, and disturbs nobody (the dissertation, 9.6). */
export const loseFollower: Exercise = {
  name: 'a follower is lost and comes back',
  weight: (scenario) => (isGuarded(scenario) ? 4 : 0),
  run(quiet) {
    const { leader, members } = quiet.present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const others = members.map(({ parts }) => parts.id).filter((id) => id !== leader.parts.id);
    const { network, ids, trace } = quiet.cluster;
    const { term } = leader.view;
    const id = quiet.random.pick(others);
    trace?.(`*** ${id} is cut off for a while`);
    network.isolate(id, ids);
    quiet.pass(3 * quiet.electionMs);
    network.heal();
    // Its own clock has it stand for election before it hears from the leader.
    quiet.cluster.process(id)?.input((node) => node.campaign());
    quiet.pass(2 * quiet.electionMs);
    if (leader.leading && leader.view.term === term) return;
    throw new ViolationError('stability', `Member ${id} was cut off, and ended term ${term} when it came back`);
  },
};

/** A leader that is cut off notices, and the others go on without it. */
export const loseLeader: Exercise = {
  name: 'a leader is lost',
  weight: ({ core }) => (core.checkQuorum ? 4 : 0),
  run(quiet) {
    const { leader } = quiet.present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { cluster } = quiet;
    const { id } = leader.parts;
    const { voters, learners } = leader.conf;
    // Who only reaches learners leads nobody.
    const lost = learners.length > 0 ? voters : cluster.ids;
    cluster.trace?.(`*** leader ${id} is cut off from ${lost.join(' ')}`);
    cluster.network.isolate(id, lost);
    quiet.must(`leader ${id}, cut off, steps down`, STEP_DOWN_ELECTIONS_MAX, () => !leader.leading);
    quiet.must('the others elect a leader', LEADER_ELECTIONS_MAX, () => cluster.leaders().length > 0);
    quiet.commitSomething();
  },
};

/**
 * Some have not heard of the leader for long and stand for election; just so many as they need start anew at the very
 * moment at which the leader, whose lease rests on them, is cut off. What they promised it must still bind them.
 */
export const restartUnderLease: Exercise = {
  name: 'followers start anew under a lease',
  weight: (scenario) => (isLeased(scenario) ? 12 : 0),
  run(quiet) {
    const { leader } = quiet.present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { cluster, random } = quiet;
    const { id } = leader.parts;
    const followers = random.sample(othersThan(id, leader.conf.voters), leader.conf.voters.length);
    const quorum = Math.floor(leader.conf.voters.length / 2) + 1;
    const faithful = followers.slice(0, quorum - 1);
    const deserted = followers.slice(quorum - 1);
    const [rival] = deserted;
    if (rival === undefined) return;
    for (const other of deserted) {
      cluster.network.cut(id, other);
      cluster.network.cut(other, id);
    }
    quiet.pass(quiet.electionMs);
    cluster.network.isolate(id, cluster.ids);
    for (const other of faithful.slice(0, quorum - deserted.length)) {
      cluster.crash(other);
      cluster.start(other);
    }
    cluster.process(rival)?.input((node) => node.campaign());
    readFromFormer(quiet, leader, rival);
  },
};
