import { expect, test } from 'vitest';
import type { Message } from '../core/index.ts';
import { sentMessage } from './checks/testing/views.ts';
import { Network } from './network.ts';
import { Random } from './random.ts';
import type { NetworkSettings } from './scenario.ts';
import { Timeline } from './timeline.ts';

const CALM: NetworkSettings = {
  latencyMsMin: 1,
  latencyMsMax: 2,
  lossRate: 0,
  duplicateRate: 0,
  stragglerRate: 0,
  stragglerMsMax: 100,
  reportsUnreachable: false,
};

function makeNetwork(settings: Partial<NetworkSettings> = {}) {
  const timeline = new Timeline();
  const delivered: { message: Message; atMs: number }[] = [];
  const reports: string[] = [];
  const network = new Network({
    timeline,
    random: new Random(1),
    settings: { ...CALM, ...settings },
    deliver: (message) => delivered.push({ message, atMs: timeline.nowMs }) > 0,
    reportUnreachable: (from, to) => reports.push(`${from} can't reach ${to}`),
    reportSnapshot: ({ from, to }, accepted) => reports.push(`${from} to ${to}: ${accepted}`),
    trace: undefined,
  });
  const run = () => {
    const untilMs = timeline.nowMs + 1_000;
    while (timeline.advance(untilMs));
    return delivered.map(({ message }) => message.index);
  };
  return { network, delivered, reports, run };
}

function append(index: number, from = 1, to = 2): Message {
  return sentMessage({ type: 'append', from, to, term: 1, index });
}

test('messages come late, and may overtake one another', () => {
  const { network, delivered, run } = makeNetwork();
  for (let index = 0; index < 100; index++) network.send(append(index));
  const order = run();
  expect(delivered.every(({ atMs }) => atMs >= 1 && atMs < 2)).toBe(true);
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  expect(new Set(order).size).toBe(100);
});

test('a link takes so many messages at a time, and loses the rest', () => {
  const { network, run } = makeNetwork();
  for (let index = 0; index < 150; index++) network.send(append(index));
  network.send(append(150, 1, 3));
  expect(run()).toHaveLength(101);
  network.send(append(151));
  expect(run()).toHaveLength(102);
});

test('messages are lost, doubled and held up at the given rates', () => {
  const { network, delivered, run } = makeNetwork({ lossRate: 0.3, duplicateRate: 0.2, stragglerRate: 0.1 });
  // Over many links, since each takes only so many at a time.
  for (let index = 0; index < 2_000; index++) network.send(append(index, 1, 2 + (index % 40)));
  const order = run();
  const distinct = new Set(order).size;
  expect(distinct / 2_000).toBeCloseTo(0.7, 1);
  expect(order.length / distinct).toBeCloseTo(1.2, 1);
  expect(delivered.filter(({ atMs }) => atMs > 2).length / order.length).toBeCloseTo(0.1, 1);
});

test('a cut works in one direction only, on what is under way too, until the network heals', () => {
  const { network, run } = makeNetwork();
  network.send(append(1));
  network.cut(1, 2);
  network.send(append(2));
  network.send(append(3, 2, 1));
  expect(run()).toEqual([3]);
  network.heal();
  network.send(append(4));
  expect(run()).toEqual([3, 4]);
});

test('a member is isolated in both directions', () => {
  const { network, run } = makeNetwork();
  network.isolate(1, [1, 2, 3]);
  for (const [from, to] of [
    [1, 2],
    [2, 1],
    [3, 1],
    [2, 3],
  ] as const) {
    network.send(append(10 * from + to, from, to));
  }
  expect(run()).toEqual([23]);
});

test('the sender of a snapshot always learns what became of it', () => {
  const { network, reports, run } = makeNetwork();
  network.cut(1, 3);
  for (const to of [2, 3]) network.send(sentMessage({ type: 'snapshot', from: 1, to, term: 1 }));
  run();
  expect(reports.toSorted()).toEqual(['1 to 2: true', '1 to 3: false']);
});

test('what is held up comes late, though its link is cut meanwhile, until all heals', () => {
  const { network, delivered, run } = makeNetwork();
  network.holdUp(2, 500);
  for (let index = 0; index < 20; index++) network.send(append(index));
  network.send(append(100, 2, 3));
  network.cut(1, 2);
  expect(run()).toHaveLength(21);
  expect(Math.max(...delivered.map(({ atMs }) => atMs))).toBeGreaterThan(100);
  network.heal();
  const from = delivered.length;
  network.send(append(200));
  run();
  expect(delivered[from]?.atMs).toBeLessThan(1_002);
});
