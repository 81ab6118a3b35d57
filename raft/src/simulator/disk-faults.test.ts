import { describe, expect, test } from 'vitest';
import { Clients } from './clients.ts';
import { Cluster } from './cluster.ts';
import { damage } from './faults/disk.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { makeScenario } from './scenario.ts';

const SETTLED_MS = 10_000;

/** Three members and a spare one, with nothing wrong but what a test does. */
function calmScenario(mode: 'synchronous' | 'asynchronous'): Scenario {
  const scenario = makeScenario(1);
  return {
    ...scenario,
    voters: 3,
    spares: 1,
    tickMs: 20,
    clockDriftMax: 0,
    network: { ...scenario.network, lossRate: 0, duplicateRate: 0, stragglerRate: 0 },
    storage: { ...scenario.storage, mode, writeMsMax: 1, applyMsMax: 0 },
    core: { ...scenario.core, electionTicks: 10, preVote: true, checkQuorum: true, uncommittedSizeMax: 1 << 20 },
  };
}

function begin(mode: 'synchronous' | 'asynchronous') {
  const cluster = new Cluster(calmScenario(mode), undefined);
  const clients = new Clients(cluster);
  cluster.begin();
  const until = (what: string, condition: () => boolean) => {
    const endMs = cluster.timeline.nowMs + SETTLED_MS;
    while (!condition()) {
      if (cluster.timeline.nowMs >= endMs) throw new Error(`Not within ${SETTLED_MS} virtual ms: ${what}`);
      cluster.timeline.advance(Math.min(endMs, cluster.timeline.nowMs + 5));
    }
  };
  const leader = () => cluster.leaders()[0];
  until('a leader', () => leader() !== undefined);
  return { cluster, clients, until, leader };
}

describe.each(['synchronous', 'asynchronous'] as const)('with %s storage', (mode) => {
  test('a member without room acknowledges nothing, and catches up when there is some', () => {
    const { cluster, clients, until, leader } = begin(mode);
    const full = cluster.member(cluster.running().find(({ leading }) => !leading)?.parts.id ?? 0);
    full.disk.full = true;
    const before = full.disk.durable.lastIndex();
    const [operation] = clients.command(leader() as never);
    until('an answer', () => operation?.answeredMs !== undefined);
    expect(full.disk.durable.lastIndex()).toBe(before);
    full.disk.full = false;
    until('the entry on its disk', () => full.disk.durable.lastIndex() > before);
  });

  test('a member whose sync fails ends, and what it had not synced was never acknowledged', () => {
    const { cluster, clients, until, leader } = begin(mode);
    const { id } = leader()?.parts ?? { id: 0 };
    cluster.member(id).disk.failsToSync = true;
    clients.command(leader() as never);
    until('its end', () => cluster.process(id) === undefined);
    cluster.start(id);
    until('all alike', () =>
      cluster
        .running()
        .slice(0, 3)
        .every(({ view }) => view.commit === leader()?.view.commit),
    );
  });

  test('a member with a damaged disk does not start again, and another one takes its place', () => {
    const { cluster, until, leader } = begin(mode);
    const victim = cluster.running().find(({ leading }) => !leading)?.parts.id ?? 0;
    cluster.member(victim).disk.damaged = true;
    cluster.crash(victim);
    cluster.start(victim);
    expect(cluster.process(victim)).toBeUndefined();
    new Operator(cluster).watch(50, Number.POSITIVE_INFINITY);
    until('another membership', () => leader()?.conf.voters.includes(4) === true);
    expect(leader()?.conf.voters).not.toContain(victim);
    until('all that was committed on the new disk', () => {
      return cluster.process(4)?.machine.applied === leader()?.machine.applied;
    });
  });
});

test('damage strikes only where the others are a quorum, and not a second time before it is repaired', () => {
  const { cluster, clients } = begin('synchronous');
  const damaged = () => cluster.ids.filter((id) => cluster.member(id).disk.damaged);
  const world = { cluster, clients, random: new Random(3), electionMs: 200, troubled: () => true };
  for (let count = 0; count < 20; count++) damage.strike(world);
  expect(damaged()).toHaveLength(1);

  const small = new Cluster({ ...calmScenario('synchronous'), voters: 2, spares: 0 }, undefined);
  small.begin();
  for (let count = 0; count < 20; count++) damage.strike({ ...world, cluster: small, clients: new Clients(small) });
  expect(small.ids.filter((id) => small.member(id).disk.damaged)).toEqual([]);
});
