import { expect, test } from 'vitest';
import { SmallStore } from './testing/small-store.ts';
import { conf, TestCluster, type TestMember } from './testing/test-cluster.ts';

let cluster: TestCluster;

async function three(): Promise<{ leader: TestMember; others: TestMember[] }> {
  cluster = new TestCluster();
  for (const id of [1, 2, 3]) await cluster.start(id, new SmallStore(conf(1, 2, 3)));
  const leader = await cluster.leader();
  return { leader, others: [...cluster.members.values()].filter(({ id }) => id !== leader.id) };
}

const diskOf = ({ store }: TestMember) => store as SmallStore;
const text = (word: string) => Buffer.from(word);

async function write(member: TestMember, word: string): Promise<void> {
  await cluster.during(member.driver.propose(text(word)));
}

/** What a linearizable read gives. */
async function read({ driver, machine }: TestMember): Promise<readonly string[]> {
  await cluster.during(driver.readBarrier(5_000));
  return machine.items;
}

test('a leader whose disk is full hands over, and what was under way is committed once', async () => {
  const { leader, others } = await three();
  await write(leader, 'before');
  diskOf(leader).full = true;
  const underWay = leader.driver.propose(text('under way'));
  await cluster.until(() => others.some(({ driver }) => driver.status().role === 'leader'));
  const next = await cluster.leader();
  expect(next.id).not.toBe(leader.id);
  await cluster.during(underWay);
  await write(next, 'after');
  expect(await read(leader)).toEqual(['before', 'under way', 'after']);
  expect(leader.driver.status()).toMatchObject({ disk: 'full', role: 'follower' });
  expect(leader.failures).toEqual([]);
});

test('a follower whose disk is full reads what is written meanwhile, and acknowledges none of it', async () => {
  const { leader, others } = await three();
  const [full, healthy] = others as [TestMember, TestMember];
  await write(leader, 'before');
  await cluster.until(() => full.store.lastIndex() === leader.store.lastIndex());
  const stored = full.store.lastIndex();
  diskOf(full).full = true;
  // More than the window of messages that a follower may have unacknowledged.
  for (let i = 0; i < 400; i += 1) await write(leader, String(i));
  expect((await read(full)).length).toBe(401);
  expect(full.store.lastIndex()).toBe(stored);
  expect(leader.driver.status().members.find(({ id }) => id === full.id)?.match).toBe(stored);
  // Only those count that have stored it: without the third, nothing is committed.
  await cluster.stop(healthy.id);
  let committed = false;
  leader.driver.propose(text('not yet')).then(
    () => {
      committed = true;
    },
    () => {},
  );
  await cluster.run(5);
  expect(committed).toBe(false);
});

test('with room again it stores what it held, without a restart, and counts again', async () => {
  const { leader, others } = await three();
  const [full, healthy] = others as [TestMember, TestMember];
  diskOf(full).full = true;
  for (let i = 0; i < 50; i += 1) await write(leader, String(i));
  await cluster.until(() => full.driver.status().disk === 'full');
  diskOf(full).full = false;
  await cluster.until(() => full.store.lastIndex() === leader.store.lastIndex());
  expect(full.driver.status().disk).toBe('ok');
  await cluster.stop(healthy.id);
  await write(leader, 'with its help');
  await cluster.stop(full.id);
  const again = await cluster.start(full.id);
  await cluster.until(() => again.machine.items.length >= 51);
});

test('what was held is lost with the process, and nothing that was acknowledged is', async () => {
  const { leader, others } = await three();
  const full = others[0] as TestMember;
  diskOf(full).full = true;
  for (let i = 0; i < 20; i += 1) await write(leader, String(i));
  await read(full);
  await cluster.stop(full.id);
  diskOf(full).full = false;
  const again = await cluster.start(full.id);
  await cluster.until(() => again.machine.items.length === 20);
  expect(again.failures).toEqual([]);
});

test('if all disks are full, the leader stays, refuses what is proposed, and serves reads; then all goes on', async () => {
  const { leader, others } = await three();
  await write(leader, 'before');
  const all = [leader, ...others];
  await cluster.until(() => all.every(({ machine }) => machine.items.length === 1));
  for (const member of all) diskOf(member).full = true;
  await cluster.until(() => all.every(({ driver }) => driver.disk === 'full'));
  // It offers its office to each of them first.
  await cluster.run(100);
  const now = await cluster.leader();
  expect(now.id).toBe(leader.id);
  await expect(now.driver.propose(text('refused'))).rejects.toMatchObject({ code: 'disk-full' });
  for (const member of all) expect(await read(member)).toEqual(['before']);
  for (const member of all) diskOf(member).full = false;
  await cluster.until(() => all.every(({ driver }) => driver.disk === 'ok'));
  await write(await cluster.leader(), 'after');
  expect(all.flatMap(({ failures }) => failures)).toEqual([]);
});

test('a member without room for its vote gives none, and gives it when there is room', async () => {
  const { leader, others } = await three();
  const [full, candidate] = others as [TestMember, TestMember];
  Object.assign(full.store, { full: true, reserveUsed: true });
  await cluster.stop(leader.id);
  await cluster.run(60);
  expect(candidate.driver.status().role).not.toBe('leader');
  expect(full.store.initialState().hardState.vote).not.toBe(candidate.id);
  Object.assign(full.store, { full: false, reserveUsed: false });
  await cluster.leader([full.id, candidate.id]);
});

test('what is held in memory is bounded: beyond it nothing more is taken, and reads are refused', async () => {
  const { leader, others } = await three();
  const full = others[0] as TestMember;
  diskOf(full).full = true;
  const mebibyte = 1024 * 1024;
  for (let i = 0; i < 60; i += 1) await cluster.during(leader.driver.propose(Buffer.alloc(mebibyte, 'x')));
  await cluster.until(() => full.machine.items.length > 32);
  await cluster.run(40);
  const applied = full.machine.items.length;
  expect(applied).toBeLessThanOrEqual(34);
  await expect(full.driver.readBarrier(1_000)).rejects.toMatchObject({ code: 'disk-full' });
  diskOf(full).full = false;
  await cluster.until(() => full.machine.items.length === 60);
});

test('a full disk costs the log that was kept for followers that lag: it alone may be what fills the disk', async () => {
  cluster = new TestCluster({ snapshotEveryEntries: 20, keepEntries: 1_000 });
  for (const id of [1, 2, 3]) await cluster.start(id, new SmallStore(conf(1, 2, 3)));
  const leader = await cluster.leader();
  for (let i = 0; i < 30; i += 1) await write(leader, String(i));
  const { driver, store } = leader;
  await cluster.until(() => driver.status().snapshotIndex > 0);
  expect(store.firstIndex()).toBeLessThan(20);
  diskOf(leader).full = true;
  const underWay = driver.propose(text('under way'));
  await cluster.until(() => store.firstIndex() > driver.status().snapshotIndex);
  diskOf(leader).full = false;
  await cluster.during(underWay);
  await write(await cluster.leader(), 'after');
  expect((await read(leader)).slice(-2)).toEqual(['under way', 'after']);
  expect(leader.failures).toEqual([]);
});

test('a snapshot that finds no room is taken later, and a received one is refused for now', async () => {
  cluster = new TestCluster({ snapshotEveryEntries: 20 });
  for (const id of [1, 2, 3]) await cluster.start(id, new SmallStore(conf(1, 2, 3)));
  const leader = await cluster.leader();
  const { store } = leader;
  const create = store.createSnapshot.bind(store);
  let refused = 0;
  store.createSnapshot = async () => {
    refused += 1;
    throw Object.assign(new Error('Disk is full'), { code: 'CELL_E_DISK_FULL' });
  };
  for (let i = 0; i < 30; i += 1) await write(leader, String(i));
  await cluster.until(() => refused === 1);
  store.createSnapshot = create;
  await cluster.until(() => leader.driver.status().snapshotIndex > 0);
  expect(leader.failures).toEqual([]);
});

test('while a received snapshot waits for room nothing piles up behind it, and the member is level when there is room', async () => {
  cluster = new TestCluster({ snapshotEveryEntries: 20 });
  for (const id of [1, 2, 3]) await cluster.start(id, new SmallStore(conf(1, 2, 3)));
  const leader = await cluster.leader();
  const behind = [...cluster.members.values()].find(({ id }) => id !== leader.id)!;
  cluster.network.isolate(behind.id);
  for (let i = 0; i < 60; i += 1) await write(leader, String(i));
  const store = diskOf(behind);
  const install = store.installSnapshot.bind(store);
  let refused = 0;
  store.installSnapshot = async () => {
    refused += 1;
    throw Object.assign(new Error('Disk is full'), { code: 'CELL_E_DISK_FULL' });
  };
  cluster.network.heal();
  await cluster.until(() => refused > 0);
  await cluster.run(100);
  // Looked for at once, and then every second.
  expect(refused).toBeLessThan(10);
  let answers = 0;
  cluster.network.join(leader.id, {
    onMessages: (messages) => {
      answers += messages.filter(({ type, from }) => type === 'append-response' && from === behind.id).length;
      leader.driver.onMessages(messages);
    },
    onSnapshot: (message, data) => leader.driver.onSnapshot(message, data),
    onUnreachable: (peer) => leader.driver.onUnreachable(peer),
  });
  store.installSnapshot = install;
  await cluster.until(() => behind.machine.items.length === 60);
  expect(answers).toBeLessThan(20);
  expect(behind.failures).toEqual([]);
});
