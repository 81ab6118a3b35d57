import type { NodeId } from '../../core/index.ts';
import type { Process } from '../process.ts';
import type { QuietCluster } from '../quiet-cluster.ts';
import type { Scenario } from '../scenario.ts';

/** A few chosen faults in a quiet cluster, and what it must make of them. The links that it cuts are healed for it. */
export interface Exercise {
  readonly name: string;
  /** How often it is chosen, compared to others; 0: it makes no sense here. */
  weight(scenario: Scenario): number;
  run(quiet: QuietCluster): void;
}

/** Removed members don't disturb, and a member that comes back doesn't either. */
export function isGuarded({ core }: Scenario): boolean {
  return core.checkQuorum && core.preVote;
}

export function isLeased({ core }: Scenario): boolean {
  return core.readOnlyOption === 'lease-based';
}

export function othersThan(id: NodeId, ids: readonly NodeId[]): readonly NodeId[] {
  return ids.filter((other) => other !== id);
}

/**
 * `former` can't know yet that `rival` was elected instead of it. As soon as there is something committed that it
 * lacks, it is asked for a read, which it must not answer from what it has: every answer is checked for freshness.
 */
export function readFromFormer(quiet: QuietCluster, former: Process, rival: NodeId): void {
  const { cluster, clients, electionMs } = quiet;
  const elected = quiet.may(2, () => {
    const process = cluster.process(rival);
    return process?.leading === true && process.view.commit > former.view.commit;
  });
  if (!elected || !former.leading) return;
  cluster.trace?.(`*** ${former.parts.id} is asked for a read, while ${rival} leads`);
  clients.read(former);
  quiet.pass(electionMs / 4);
}
