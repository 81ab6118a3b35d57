import type { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { ALL_FAULTS } from './faults/all-faults.ts';
import type { World } from './faults/fault.ts';
import { Random } from './random.ts';

/** Lets faults strike one after the other until `untilMs`. */
export function makeTrouble(cluster: Cluster, clients: Clients, untilMs: number): void {
  const { scenario, timeline } = cluster;
  const random = new Random(scenario.seed, 5);
  const leased = scenario.core.readOnlyOption === 'lease-based';
  const possible = ALL_FAULTS.filter(({ breaksLeases }) => !leased || breaksLeases !== true);
  const faults = possible.map((fault) => [fault.weights[scenario.mood] ?? 0, fault] as const);
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
