import { expect, test } from 'vitest';
import { MemoryLogStore } from '../storage/index.ts';
import { propose, TestCluster } from './testing/test-cluster.ts';

test('leadership goes where it is asked to go', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const to = (leader.id % 3) + 1;
  await cluster.during(leader.driver.transferLeadership(to, 5000));
  expect((await cluster.leader()).id).toBe(to);
  await expect(leader.driver.transferLeadership(leader.id, 5000)).rejects.toMatchObject({
    code: 'not-leader',
    leader: to,
  });
});

test('handing leadership to a member that is away ends in time, and the leader goes on', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const away = (leader.id % 3) + 1;
  cluster.network.isolate(away);
  const endless = 1_000_000;
  await expect(cluster.during(leader.driver.transferLeadership(away, endless))).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('within an election timeout'),
  });
  await cluster.during(propose(leader, 'still here'));
});

test('a transfer is given up when another one is asked for', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const [to = 0, away = 0] = [1, 2, 3].filter((id) => id !== leader.id);
  cluster.network.isolate(away);
  const first = leader.driver.transferLeadership(away, 1_000_000);
  const second = leader.driver.transferLeadership(to, 1_000_000);
  const [given, taken] = await cluster.during(Promise.allSettled([first, second]));
  expect(given.status).toBe('rejected');
  expect(taken.status).toBe('fulfilled');
});

test('the leader knows how long ago it heard of each member', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const [near = 0, away = 0] = [1, 2, 3].filter((id) => id !== leader.id);
  cluster.network.isolate(away);
  await cluster.run(20);
  const contact = (id: number) => leader.driver.status().members.find((member) => member.id === id)?.lastContactMs;
  expect(contact(leader.id)).toBeUndefined();
  expect(contact(near)).toBeLessThanOrEqual(100);
  expect(contact(away)).toBeGreaterThanOrEqual(900);
});

test('what is given with a change of membership comes to every state machine with it', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const changes = [{ type: 'add-learner', node: 9 }] as const;
  await cluster.during(leader.driver.changeMembership({ transition: 'auto', changes, context: Buffer.from('nine') }));
  await cluster.until(() => [...cluster.members.values()].every(({ machine }) => machine.members?.learners[0] === 9));
  for (const { machine } of cluster.members.values()) expect(machine.membershipContexts).toEqual(['nine']);
});

test('a new member learns the founders by a snapshot that is made for it, and the log goes on', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  await cluster.during(Promise.all(Array.from({ length: 5 }, (_, place) => propose(leader, `item ${place}`))));
  const { machine } = await cluster.start(4, new MemoryLogStore());
  const change = { transition: 'auto', changes: [{ type: 'add-voter', node: 4 }], context: new Uint8Array(0) } as const;
  const { conf: after } = await cluster.during(leader.driver.changeMembership(change));
  expect(after.voters).toEqual([1, 2, 3, 4]);
  await cluster.until(() => machine.items.length === 5);
  expect(machine.members?.voters).toEqual([1, 2, 3, 4]);
  await cluster.during(propose(leader, 'for four'));
  await cluster.until(() => machine.items.length === 6);
});

test('changed membership is known again after a restart, from the log alone', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const leaving = (leader.id % 3) + 1;
  const staying = [1, 2, 3].filter((id) => id !== leaving);
  const change = {
    transition: 'auto',
    changes: [{ type: 'remove', node: leaving }],
    context: new Uint8Array(0),
  } as const;
  await cluster.during(leader.driver.changeMembership(change));
  await cluster.stopAll();
  for (const id of staying) await cluster.start(id);
  await cluster.leader(staying);
  for (const id of staying) expect(cluster.member(id).driver.status().conf.voters).toEqual(staying);
});

test('two changes of membership at the same time: the second is refused', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const make = (node: number) =>
    leader.driver.changeMembership({
      transition: 'auto',
      changes: [{ type: 'add-learner', node }],
      context: new Uint8Array(0),
    });
  const [first, second] = await cluster.during(Promise.allSettled([make(8), make(9)]));
  expect(first).toMatchObject({ status: 'fulfilled', value: { conf: { learners: [8] } } });
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'change-pending' } });
});

test('a leader that is removed while its disk still writes what came after stands down, and does not fail', async () => {
  const cluster = await TestCluster.of(3);
  const leader = await cluster.leader();
  const staying = [1, 2, 3].filter((id) => id !== leader.id);
  const written = Promise.withResolvers<void>();
  const append = leader.store.append.bind(leader.store);
  let later: Promise<unknown> | undefined;
  leader.store.append = async (batch) => {
    await append(batch);
    if (later !== undefined) await written.promise;
    else if (batch.entries.some(({ type }) => type === 'conf-change')) {
      later = leader.driver.propose(Buffer.from('later')).catch((error: unknown) => error);
    }
  };
  const changes = [{ type: 'remove', node: leader.id }] as const;
  await cluster.during(leader.driver.changeMembership({ transition: 'auto', changes, context: new Uint8Array(0) }));
  expect(leader.driver.status()).toMatchObject({ role: 'follower', conf: { voters: staying } });
  written.resolve();
  await cluster.during(propose(await cluster.leader(staying), 'without it'));
  expect(later).toBeDefined();
  expect(leader.failures).toEqual([]);
});
