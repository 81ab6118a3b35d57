import { ViolationError } from '../checks/violation-error.ts';
import type { Process } from '../process.ts';
import type { QuietCluster } from '../quiet-cluster.ts';
import { LOOKS_PER_TICK, READ_ELECTIONS_MAX } from '../quiet-cluster.ts';
import type { Scenario } from '../scenario.ts';
import type { Exercise } from './exercise.ts';
import { isGuarded, isLeased, othersThan, readFromFormer } from './exercise.ts';

const PROPERTY = 'orderly transfer';
const TRANSFER_ELECTIONS_MAX = 5;

/** Leadership goes to a member that has to catch up first. */
export const transferAway: Exercise = {
  name: 'leadership is handed over',
  weight: () => 5,
  run(quiet) {
    const { leader } = quiet.present();
    const others = leader === undefined ? [] : othersThan(leader.parts.id, leader.conf.voters);
    if (leader === undefined || others.length === 0) return;
    const to = quiet.random.pick(others);
    quiet.cluster.trace?.(`*** leadership is to go from ${leader.parts.id} to ${to}`);
    let [asked] = quiet.clients.command(leader);
    leader.input((node) => node.transferLeader(to));
    // Where it takes longer to catch up than the leader waits, an operator asks again; elsewhere once must be enough.
    const patient = isQuick(quiet.cluster.scenario);
    quiet.must(
      `leadership goes to member ${to}${patient ? ', asked once' : ''}`,
      TRANSFER_ELECTIONS_MAX,
      () => {
        if (quiet.cluster.process(to)?.leading === true) return true;
        if (!patient && leader.leading && quiet.isTime(asked)) {
          asked = quiet.clients.read(leader);
          leader.input((node) => node.transferLeader(to));
        }
        return false;
      },
      LOOKS_PER_TICK,
    );
    readFromFresh(quiet, quiet.cluster.process(to));
  },
};

/** A member catches up well within an election timeout, also if a heartbeat has to wake the leader first. */
function isQuick({ tickMs, turnMsMax, clockDriftMax, network, storage, core }: Scenario): boolean {
  const catchingUpMs = 5 * (network.latencyMsMax + turnMsMax) + 3 * storage.writeMsMax;
  const patienceTicks = core.electionTicks - core.heartbeatTicks - 1;
  return catchingUpMs * (1 + clockDriftMax) < patienceTicks * tickMs;
}

/** By itself, without a proposal, a new leader finds out what is committed, and then answers who asked before. */
function readFromFresh(quiet: QuietCluster, fresh: Process | undefined): void {
  if (fresh === undefined) return;
  const read = quiet.clients.read(fresh);
  quiet.must('a read of a new leader is answered', READ_ELECTIONS_MAX, () => {
    return read.answeredMs !== undefined || !fresh.leading;
  });
}

/**
 * A transfer that can't succeed ends, and the leader takes proposals again. Meanwhile it takes none, or a target that
 * has to catch up might never do so (the dissertation, 3.10).
 */
export const transferToNobody: Exercise = {
  name: 'leadership is to go to a member that is cut off',
  weight: () => 5,
  run(quiet) {
    const { leader } = quiet.present();
    const others = leader === undefined ? [] : othersThan(leader.parts.id, leader.conf.voters);
    if (leader === undefined || others.length < 2) return;
    const { network, ids, trace } = quiet.cluster;
    const to = quiet.random.pick(others);
    trace?.(`*** leadership is to go to ${to}, which is cut off`);
    network.isolate(to, ids);
    leader.input((node) => node.transferLeader(to));
    const [proposed] = quiet.clients.command(leader);
    if (proposed?.failed !== true) {
      throw new ViolationError(PROPERTY, `Leader ${leader.parts.id} took a proposal while it handed over to ${to}`);
    }
    quiet.commitSomething();
  },
};

/** A learner can't lead: a leader that is asked to hand over to one goes on as if nothing had been asked. */
export const transferToLearner: Exercise = {
  name: 'leadership is to go to a learner',
  weight: (scenario) => (isGuarded(scenario) && scenario.spares > 0 ? 4 : 0),
  run(quiet) {
    const { cluster } = quiet;
    const before = quiet.present().leader?.conf;
    if (before === undefined) return;
    const stranger = cluster.ids.find((id) => {
      return !before.voters.includes(id) && !before.learners.includes(id) && !cluster.member(id).disk.damaged;
    });
    if (before.learners.length === 0 && stranger !== undefined) {
      const changes = [{ type: 'add-learner', node: stranger }] as const;
      quiet.reconfigure({ transition: 'auto', changes, context: new Uint8Array(0) });
    }
    const { leader } = quiet.present();
    const [to] = leader?.conf.learners ?? [];
    if (leader === undefined || to === undefined) return;
    cluster.trace?.(`*** leadership is to go to ${to}, a learner`);
    leader.input((node) => node.transferLeader(to));
    const [proposed] = quiet.clients.command(leader);
    if (proposed?.failed === false) return;
    throw new ViolationError(PROPERTY, `Leader ${leader.parts.id} takes no proposal, so as to hand over to a learner`);
  },
};

/** A leader told its successor to stand for election, lease or not, and then hears nothing more of anybody. */
export const readAfterTransfer: Exercise = {
  name: 'a leader that handed over is asked for a read',
  weight: (scenario) => (isLeased(scenario) ? 12 : 0),
  run(quiet) {
    const { leader } = quiet.present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { network, ids, scenario } = quiet.cluster;
    const { id } = leader.parts;
    const to = quiet.random.pick(othersThan(id, leader.conf.voters));
    // What is held up arrives although the link is cut.
    network.holdUp(to, scenario.network.latencyMsMax);
    leader.input((node) => node.transferLeader(to));
    quiet.pass(scenario.turnMsMax);
    network.heal();
    network.isolate(id, ids);
    readFromFormer(quiet, leader, to);
  },
};
