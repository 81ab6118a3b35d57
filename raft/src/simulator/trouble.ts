import type { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { ALL_FAULTS } from './faults/all-faults.ts';
import type { Fault, World } from './faults/fault.ts';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';

/** What can go wrong in a scenario, with how often it does compared to the others. */
export function faultsOf({ mood, core }: Scenario): readonly (readonly [weight: number, fault: Fault])[] {
  const leased = core.readOnlyOption === 'lease-based';
  return ALL_FAULTS.filter(({ breaksLeases }) => !leased || breaksLeases !== true)
    .map((fault) => [fault.weights[mood] ?? 0, fault] as const)
    .filter(([weight]) => weight > 0);
}

/** Lets faults strike one after the other until `untilMs`. */
export function makeTrouble(cluster: Cluster, clients: Clients, untilMs: number): void {
  const { scenario, timeline } = cluster;
  const random = new Random(scenario.seed, 5);
  const faults = faultsOf(scenario);
  const world: World = {
    cluster,
    clients,
    random,
    electionMs: scenario.core.electionTicks * scenario.tickMs,
    troubled: () => timeline.nowMs < untilMs,
  };
  const next = (): void => {
    timeline.after(random.between(0, 2 * scenario.faultEveryMs), () => {
      if (!world.troubled()) return;
      const fault = random.weighted(faults);
      if (cluster.running().length > 0) {
        cluster.trace?.(`*** ${fault.name}`);
        fault.strike(world);
      }
      next();
    });
  };
  next();
}
