import { afterEach, expect, test } from 'vitest';
import type { Message } from '../core/index.ts';
import { INFLIGHT_BYTES_MAX } from './make-core.ts';
import type { DriverOptions, LogStore, MemoryUse } from './ports.ts';
import { TestCluster, type TestMember } from './testing/test-cluster.ts';

const KIBIBYTE = 1024;
const ENTRY_BYTES = KIBIBYTE;
const SNAPSHOT_EVERY_BYTES = 64 * KIBIBYTE;
const LOG_BYTES_MAX = 256 * KIBIBYTE;
const PENDING_BYTES_MAX = 128 * KIBIBYTE;

/** The limits of a member, small enough to be reached soon. */
const limits: Partial<DriverOptions> = {
  snapshotEveryEntries: 1e6,
  snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
  keepEntries: 1e6,
  logBytesMax: LOG_BYTES_MAX,
  uncommittedSizeMax: PENDING_BYTES_MAX,
  pendingProposalBytesMax: PENDING_BYTES_MAX,
};

/** What was let in before the log was full may still be written. */
const LOG_BYTES_PEAK = LOG_BYTES_MAX + PENDING_BYTES_MAX;

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function others(cluster: TestCluster, leader: TestMember): TestMember[] {
  return [...cluster.members.values()].filter((member) => member !== leader);
}

/** Holds back what the store is asked to do, until it is released. */
function hold(store: LogStore, call: 'append' | 'createSnapshot' | 'receiveSnapshot'): () => void {
  const held = Promise.withResolvers<void>();
  const work = store[call].bind(store) as (...given: unknown[]) => Promise<unknown>;
  Object.assign(store, {
    [call]: async (...given: unknown[]) => {
      await held.promise;
      return work(...given);
    },
  });
  ends.push(() => held.resolve());
  return () => held.resolve();
}

type Figures = Record<keyof MemoryUse | 'inflightBytes', number>;

const NOTHING: Figures = {
  logEntries: 0,
  logBytes: 0,
  pendingProposals: 0,
  pendingProposalBytes: 0,
  pendingReads: 0,
  inflightBytes: 0,
};

/** Proposes without waiting for what was proposed before, and keeps the largest figures of the leader. */
class Flood {
  readonly #leader: TestMember;
  readonly #cluster: TestCluster;
  readonly outcomes = new Map<string, number>();
  readonly peak: Figures = { ...NOTHING };
  waiting = 0;

  constructor(cluster: TestCluster, leader: TestMember) {
    this.#cluster = cluster;
    this.#leader = leader;
  }

  of(outcome: string): number {
    return this.outcomes.get(outcome) ?? 0;
  }

  /** One burst in each round. */
  async run(rounds: number, burst: number, bytes = ENTRY_BYTES): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      for (let count = 0; count < burst; count += 1) this.#propose(bytes);
      this.#look();
      await this.#cluster.run(1);
      this.#look();
    }
  }

  async settled(): Promise<void> {
    await this.#cluster.until(() => this.waiting === 0);
  }

  #propose(bytes: number): void {
    this.waiting += 1;
    this.#leader.driver.propose(Buffer.alloc(bytes, 'x')).then(
      () => this.#count('done'),
      (error: { code: string }) => this.#count(error.code),
    );
  }

  #count(outcome: string): void {
    this.waiting -= 1;
    this.outcomes.set(outcome, this.of(outcome) + 1);
  }

  #look(): void {
    const { memory, members } = this.#leader.driver.status();
    const inflightBytes = Math.max(0, ...members.map((member) => member.inflightBytes));
    const now: Figures = { ...memory, inflightBytes };
    for (const name of Object.keys(NOTHING) as (keyof Figures)[]) {
      this.peak[name] = Math.max(this.peak[name], now[name]);
    }
  }
}

test('a follower that is away for long costs its leader no more than the log between snapshots, and gets one', async () => {
  const cluster = await TestCluster.of(3, limits);
  const leader = await cluster.leader();
  const late = others(cluster, leader)[0] as TestMember;
  cluster.network.isolate(late.id);
  const flood = new Flood(cluster, leader);
  await flood.run(300, 10);
  await flood.settled();
  const written = flood.of('done') * ENTRY_BYTES;
  expect(written).toBeGreaterThan(5 * LOG_BYTES_PEAK);
  expect(flood.peak.logBytes).toBeLessThanOrEqual(LOG_BYTES_PEAK);
  expect(flood.peak.logEntries).toBeLessThanOrEqual(LOG_BYTES_PEAK / ENTRY_BYTES + 1);
  expect(flood.peak.inflightBytes).toBeLessThanOrEqual(PENDING_BYTES_MAX);
  expect(late.driver.status().snapshotIndex).toBe(0);
  cluster.network.heal();
  await cluster.until(() => late.machine.items.length === flood.of('done'));
  expect(cluster.network.snapshotsAccepted).toBeGreaterThan(0);
  expect(late.machine.restoredAt).toBeGreaterThan(0);
  expect(leader.driver.status().members.find(({ id }) => id === late.id)).toMatchObject({ state: 'replicate' });
});

test('of more proposals than can be committed the rest is overloaded; the leader stays, and goes on afterwards', async () => {
  const cluster = await TestCluster.of(3, limits);
  const leader = await cluster.leader();
  const { term } = leader.driver.status();
  const release = others(cluster, leader).map(({ store }) => hold(store, 'append'));
  const flood = new Flood(cluster, leader);
  await flood.run(50, 100);
  expect(flood.of('done')).toBe(0);
  expect([...flood.outcomes.keys()]).toEqual(['overloaded']);
  expect(flood.peak.pendingProposalBytes).toBe(PENDING_BYTES_MAX);
  expect(flood.waiting).toBe(PENDING_BYTES_MAX / ENTRY_BYTES);
  expect(flood.peak.logBytes).toBeLessThanOrEqual(LOG_BYTES_PEAK);
  expect(leader.driver.status()).toMatchObject({ role: 'leader', term });
  for (const open of release) open();
  await flood.settled();
  expect(flood.of('done')).toBe(PENDING_BYTES_MAX / ENTRY_BYTES);
  await cluster.during(leader.driver.propose(Buffer.from('afterwards')));
  expect(leader.driver.status()).toMatchObject({ role: 'leader', term });
  expect(leader.driver.status().memory).toMatchObject({ pendingProposals: 0, pendingProposalBytes: 0 });
});

test('a flood within one turn takes no more than its bytes, before the core has seen any of it', async () => {
  const cluster = await TestCluster.of(3, { ...limits, uncommittedSizeMax: 1e9 });
  const leader = await cluster.leader();
  const flood = new Flood(cluster, leader);
  await flood.run(1, 10_000);
  expect(flood.peak.pendingProposalBytes).toBe(PENDING_BYTES_MAX);
  await flood.settled();
  expect(flood.of('overloaded')).toBe(10_000 - flood.of('done'));
  expect(flood.of('done')).toBe(PENDING_BYTES_MAX / ENTRY_BYTES);
});

test('to a member whose disk stands still no more is sent than may be on its way', async () => {
  const large = 128 * KIBIBYTE;
  const cluster = await TestCluster.of(3, {
    ...limits,
    snapshotEveryBytes: 1e9,
    logBytesMax: 1e9,
    pendingProposalBytesMax: 1e9,
  });
  const leader = await cluster.leader();
  const slow = others(cluster, leader)[0] as TestMember;
  hold(slow.store, 'append');
  let came = 0;
  const { driver } = slow;
  cluster.network.join(slow.id, {
    onMessages: (messages: readonly Message[]) => {
      for (const { entries } of messages) for (const { data } of entries) came += data.length;
      driver.onMessages(messages);
    },
    onSnapshot: (message, data) => driver.onSnapshot(message, data),
    onUnreachable: (peer) => driver.onUnreachable(peer),
  });
  const flood = new Flood(cluster, leader);
  await flood.run(150, 1, large);
  expect(flood.of('done') * large).toBeGreaterThan(2 * INFLIGHT_BYTES_MAX);
  expect(flood.peak.inflightBytes).toBeLessThanOrEqual(INFLIGHT_BYTES_MAX + large);
  expect(came).toBeLessThanOrEqual(INFLIGHT_BYTES_MAX + large);
});

test('while its snapshot is not done a leader takes no more than its log may hold, and goes on when it is', async () => {
  const cluster = await TestCluster.of(3, limits);
  const leader = await cluster.leader();
  const { term } = leader.driver.status();
  const release = hold(leader.store, 'createSnapshot');
  const flood = new Flood(cluster, leader);
  await flood.run(100, 10);
  expect(flood.of('overloaded')).toBeGreaterThan(0);
  expect(flood.peak.logBytes).toBeGreaterThan(LOG_BYTES_MAX);
  expect(flood.peak.logBytes).toBeLessThanOrEqual(LOG_BYTES_PEAK);
  expect(leader.driver.status()).toMatchObject({ role: 'leader', term });
  release();
  await cluster.until(() => leader.driver.status().memory.logBytes <= 2 * SNAPSHOT_EVERY_BYTES);
  await cluster.during(leader.driver.propose(Buffer.from('afterwards')));
});

test('a follower whose snapshot is not done takes no more than its log may hold, and comes after when it is', async () => {
  const cluster = await TestCluster.of(3, limits);
  const leader = await cluster.leader();
  const slow = others(cluster, leader)[0] as TestMember;
  const release = hold(slow.store, 'createSnapshot');
  const flood = new Flood(cluster, leader);
  let peak = 0;
  for (let round = 0; round < 100; round += 1) {
    await flood.run(1, 10);
    peak = Math.max(peak, slow.driver.status().memory.logBytes);
  }
  await flood.settled();
  expect(flood.of('done') * ENTRY_BYTES).toBeGreaterThan(2 * LOG_BYTES_PEAK);
  expect(peak).toBeGreaterThan(LOG_BYTES_MAX);
  expect(peak).toBeLessThanOrEqual(LOG_BYTES_PEAK);
  release();
  await cluster.until(() => slow.machine.items.length === flood.of('done'));
  expect(slow.failures).toEqual([]);
});

test('a member that takes long over a snapshot is sent nothing else, and the log is no longer for it', async () => {
  const cluster = await TestCluster.of(3, limits);
  const leader = await cluster.leader();
  const late = others(cluster, leader)[0] as TestMember;
  cluster.network.isolate(late.id);
  const flood = new Flood(cluster, leader);
  await flood.run(60, 10);
  const release = hold(late.store, 'receiveSnapshot');
  let begun = 0;
  const { driver } = late;
  cluster.network.join(late.id, {
    onMessages: (messages) => driver.onMessages(messages),
    onSnapshot: (message, data) => {
      begun += 1;
      return driver.onSnapshot(message, data);
    },
    onUnreachable: (peer) => driver.onUnreachable(peer),
  });
  cluster.network.heal();
  await cluster.until(() => begun > 0);
  const during = new Flood(cluster, leader);
  await during.run(200, 10);
  await during.settled();
  expect(during.of('done') * ENTRY_BYTES).toBeGreaterThan(3 * LOG_BYTES_PEAK);
  expect(during.peak.logBytes).toBeLessThanOrEqual(LOG_BYTES_PEAK);
  expect(begun).toBe(1);
  const about = leader.driver.status().members.find(({ id }) => id === late.id);
  expect(about).toMatchObject({ state: 'snapshot', inflightBytes: 0 });
  release();
  await cluster.until(() => late.machine.items.length === flood.of('done') + during.of('done'));
});
