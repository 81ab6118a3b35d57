import type { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { exercisesOf } from './exercises/all-exercises.ts';
import { QuietCluster } from './quiet-cluster.ts';

/**
 * What must work again when the trouble is over: liveness. First everything heals and comes together; then one of
 * some small exercises, each with a few faults in an otherwise quiet cluster, which must be taken without more ado.
 */
export function recover(cluster: Cluster, clients: Clients): void {
  const quiet = new QuietCluster(cluster, clients);
  heal(cluster);
  quiet.comeTogether();
  quiet.checkAcknowledged();
  // What was held up on its way could look like trouble in the exercises.
  quiet.pass(cluster.scenario.network.stragglerMsMax);
  quiet.comeTogether();
  const exercise = quiet.random.weighted(exercisesOf(cluster.scenario));
  cluster.trace?.(`*** exercise: ${exercise.name}`);
  exercise.run(quiet);
  cluster.network.heal();
  quiet.comeTogether();
  quiet.checkAcknowledged();
}

function heal(cluster: Cluster): void {
  const { network, ids, trace } = cluster;
  trace?.('*** all heals');
  network.heal();
  network.calm = true;
  for (const id of ids) {
    const member = cluster.member(id);
    member.pausedUntilMs = 0;
    member.disk.extraWriteMs = 0;
    member.disk.full = false;
    member.disk.failsToSync = false;
    if (member.process !== undefined) member.process.crashPoint = undefined;
    cluster.start(id);
  }
}
