import { LinearizableHistory } from './checks/linearizable-history.ts';
import { ViolationError } from './checks/violation-error.ts';
import type { Operation } from './client-operation.ts';
import { Clients } from './clients.ts';
import { Cluster } from './cluster.ts';
import { Operator } from './operator.ts';
import { recover } from './recovery.ts';
import type { Scenario } from './scenario.ts';
import { makeTrouble } from './trouble.ts';

export interface Violation {
  /** Which property did not hold. */
  readonly property: string;
  readonly message: string;
  readonly atMs: number;
  readonly cause: unknown;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly violation: Violation | undefined;
  /** Virtual time that passed. */
  readonly elapsedMs: number;
  /** The highest committed index and the highest term: how much happened. */
  readonly committed: number;
  readonly terms: number;
  readonly history: readonly Operation[];
  /** Whether the history is linearizable was not found out: that would have taken too long. */
  readonly undecided: boolean;
}

/**
 * Runs one cluster through a time of trouble and through its recovery. The same scenario always gives the same
 * outcome. `trace` hears of everything that happens, in words.
 */
export function simulate(scenario: Scenario, trace?: (atMs: number, text: string) => void): Outcome {
  const cluster = new Cluster(scenario, trace);
  const clients = new Clients(cluster);
  const linearizable = new LinearizableHistory();
  let violation: Violation | undefined;
  try {
    cluster.begin();
    makeTrouble(cluster, clients, scenario.troubleMs);
    clients.work(scenario.troubleMs);
    new Operator(cluster).watch(scenario.core.electionTicks * scenario.tickMs, scenario.troubleMs);
    while (cluster.timeline.advance(scenario.troubleMs));
    recover(cluster, clients);
    judgeHistory(linearizable, clients);
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    const { property, message, cause } = error;
    violation = { property, message, atMs: cluster.timeline.nowMs, cause };
    cluster.trace?.(`!!! ${property}: ${message}`);
  }
  return {
    scenario,
    violation,
    elapsedMs: cluster.timeline.nowMs,
    committed: cluster.checks.committedEntries.lastIndex,
    terms: Math.max(0, ...cluster.running().map(({ view }) => view.term)),
    history: clients.history,
    undecided: linearizable.undecided,
  };
}

function judgeHistory(check: LinearizableHistory, clients: Clients): void {
  const verdict = check.judge(clients.history);
  if (verdict !== undefined) throw new ViolationError(check.property, verdict);
}
