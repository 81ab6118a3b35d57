import { expect, test } from 'vitest';
import { foundersText } from './founding-steps.ts';
import { type FoundingScenario, FoundingSimulation, realSteps, type Steps } from './testing/founding-simulation.ts';

const SEEDS = 300;

function scenario(seed: number, steps?: Steps): FoundingScenario {
  return { seed, members: 1 + (seed % 5), wipes: seed % 4, ...(steps === undefined ? {} : { steps }) };
}

/** Members that have a cluster's log open, by its id: a majority of them is the cluster. */
function inForce(world: FoundingSimulation): string[] {
  const counts = new Map<string, number>();
  for (const { identity } of world.members) {
    if (identity.logMade) counts.set(identity.clusterId, (counts.get(identity.clusterId) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > world.members.length / 2).map(([clusterId]) => clusterId);
}

/** Runs a scenario; throws if a cluster is founded beside another one, or a member votes again after it lost its data. */
function run(given: FoundingScenario): FoundingSimulation {
  const world = new FoundingSimulation(given);
  let ruling: string | undefined;
  world.run(() => {
    const [now] = inForce(world);
    if (now !== undefined && ruling !== undefined && now !== ruling) {
      const left = world.openings.filter(
        ({ clusterId, incarnation }) => clusterId === ruling && !world.wiped.has(incarnation),
      );
      if (left.length > 0) throw new Error(`Seed ${given.seed}: ${now} beside ${ruling}, which members still have`);
    }
    ruling = now ?? ruling;
    const voters = new Map<string, string>();
    for (const { member, clusterId, incarnation } of world.openings) {
      const key = `${member} in ${clusterId}`;
      if ((voters.get(key) ?? incarnation) !== incarnation) {
        throw new Error(`Seed ${given.seed}: member ${key} votes again after it lost its data`);
      }
      voters.set(key, incarnation);
    }
  });
  return world;
}

test('whatever crashes, is lost, late or wiped: there are never two clusters, and who lost its data never votes again', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) run(scenario(seed));
});

test('interrupted anywhere, founding completes once all members are up', () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = run({ ...scenario(seed), wipes: 0 });
    const ids = new Set(world.members.map(({ identity }) => identity.clusterId));
    expect([...ids], `seed ${seed}`).toEqual([expect.stringMatching(/^cluster-/)]);
    expect(world.openings, `seed ${seed}`).toHaveLength(world.members.length);
  }
});

const { nextStep, receive, takeFounding } = realSteps;

test.each<[string, Partial<Steps>]>([
  [
    'a member that is told of a cluster that was meant for its lost data takes it',
    {
      takeFounding: (own, configured, founding) => {
        const members = founding.members.map((one) =>
          one.id === own.memberId ? { ...one, incarnation: own.incarnation } : one,
        );
        return takeFounding(own, configured, { ...founding, members });
      },
    },
  ],
  [
    'a member that lost its data is let in again',
    {
      receive: (own, record, caller) =>
        receive(own, record === undefined ? record : { ...record, incarnation: caller.incarnation }, caller),
    },
  ],
  [
    'a member that does not answer, or refuses, counts as an empty one',
    {
      nextStep: (own, configured, asked) => {
        const founders = foundersText(configured);
        const nothing = { clusterId: '', cluster: own.cluster, founders, admitted: false, refusal: '', members: [] };
        const filled = asked.map((one) =>
          'error' in one ? { id: one.id, answer: { ...nothing, memberId: one.id, incarnation: 'unknown' } } : one,
        );
        return nextStep(own, configured, filled);
      },
    },
  ],
  [
    'a member goes from one cluster to another',
    { takeFounding: (own, configured, founding) => takeFounding({ ...own, clusterId: '' }, configured, founding) },
  ],
])('the simulation finds it if %s', (_, planted) => {
  const steps = { ...realSteps, ...planted };
  expect(() => {
    for (let seed = 1; seed <= 10 * SEEDS; seed += 1) run(scenario(seed, steps));
  }).toThrow(/Seed \d+/);
});
