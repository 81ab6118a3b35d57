import { AllocationState } from '@cell/proto';
import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { addJob, addNode, kinds, place } from '../execute/testing/example-fleet.ts';
import { exampleHello, type PaperAgent, SessionTable } from './testing/session-transcript.ts';

let table: SessionTable;

beforeEach(() => {
  table = new SessionTable();
});

function ended(id: string) {
  const reports = [{ id, nodeId: 'n1', state: 'stopped' as const, restarts: 0, exitCode: 0, message: '' }];
  table.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
}

test('a new node is registered, welcomed, and told what to run, first completely and then by changes', async () => {
  const agent = table.agent('n1');
  agent.hello();
  expect(await table.said()).toBe(
    `n1 > hello
n1 < welcome to c0ffee0123456789, heartbeat 3000, lease 10000, members 127.0.0.1:7600
n1 < desired at 1, complete: nothing`,
  );
  expect(table.consensus.state.nodes.get('n1')).toMatchObject({ name: 'n1', status: 'ready' });
  addJob(table.consensus, 'web', 3);
  const first = place(table.consensus, 'web', 0, 'n1');
  place(table.consensus, 'web', 1, 'n1');
  expect(await table.said()).toBe('n1 < desired at 4: +WEB-0-N1 +WEB-1-N1');
  table.stop(first);
  expect(await table.said()).toBe('n1 < desired at 5: -WEB-0-N1');
  ended(first);
  expect(await table.said()).toBe('n1 < desired at 6: xWEB-0-N1');
});

test('what an agent reports of itself is not pushed back to it', async () => {
  const id = table.fleetOfOne();
  const agent = table.agent('n1');
  agent.hello();
  await table.said();
  agent.report(id, AllocationState.RUNNING);
  const reports = [{ id, nodeId: 'n1', state: 'running' as const, restarts: 0, exitCode: undefined, message: '' }];
  table.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  expect(await table.said()).toBe('n1 > report\n  reports: WEB-0-N1 running');
});

test('a known node is served while there is no leader, and registered once there is one', async () => {
  table.fleetOfOne();
  table.consensus.lead({ leaderId: 0, leading: false, term: 2 });
  const agent = table.agent('n1');
  agent.hello({ agentVersion: '0.2.0' });
  expect(await table.said()).toBe(
    `n1 > hello
n1 < welcome to c0ffee0123456789, heartbeat 3000, lease 10000, members 127.0.0.1:7600
n1 < desired at 3, complete: +WEB-0-N1`,
  );
  await table.clock.advance(4_000);
  table.consensus.lead({ leaderId: 2, leading: false, term: 3 });
  await table.clock.advance(2_000);
  expect(table.consensus.state.nodes.get('n1')?.agentVersion).toBe('0.2.0');
});

test('an unknown node is sent away while there is no leader', async () => {
  table.consensus.lead({ leaderId: 0, leading: false, term: 2 });
  table.agent('n1').hello();
  expect(await table.said()).toBe('n1 > hello\nn1 < end CELL_E_NO_LEADER: There is no leader');
});

test('a node that is as the state has it costs no command', async () => {
  table.fleetOfOne();
  const before = table.consensus.commands.length;
  table.agent('n1').hello();
  await table.said();
  expect(kinds(table.consensus, before)).toEqual([]);
});

test('a lost node is ready again by its Hello', async () => {
  table.fleetOfOne();
  const nodes = [{ id: 'n1', status: 'lost' as const, message: 'silent' }];
  table.consensus.write({ kind: 'set-node-status', timeMs: 0, nodes });
  table.agent('n1').hello();
  const said = await table.said();
  expect(said).toContain('complete: nothing');
  expect(table.consensus.state.nodes.get('n1')?.status).toBe('ready');
});

test('an agent with a newer state than this member waits for it, and its reports with it', async () => {
  table.fleetOfOne();
  table.consensus.lag = Promise.reject(new CellError('CELL_E_TIMEOUT', 'This member lags behind'));
  const agent = table.agent('n1');
  const known = [{ id: 'WEB-0-N1', state: AllocationState.HEALTHY }];
  agent.hello({ generation: 4n, allocations: known });
  agent.report('WEB-0-N1', AllocationState.RUNNING);
  await table.clock.advance(1_000);
  expect(await table.said()).toBe(
    `n1 > hello
n1 > report
n1 < welcome to c0ffee0123456789, heartbeat 3000, lease 10000, members 127.0.0.1:7600`,
  );
  place(table.consensus, 'web', 1, 'n1');
  await table.clock.advance(50);
  expect(await table.said()).toBe(
    `n1 < desired at 4, complete: +WEB-0-N1 +WEB-1-N1
  reports after hello: WEB-0-N1 healthy
  reports after hello: WEB-0-N1 running`,
  );
});

test('an agent whose state this member never reaches is sent to another one', async () => {
  table.fleetOfOne();
  table.consensus.lag = Promise.reject(new CellError('CELL_E_TIMEOUT', 'This member lags behind'));
  const agent = table.agent('n1');
  agent.hello({ generation: 900n });
  agent.beat();
  await table.clock.advance(5_000);
  agent.beat();
  await table.clock.advance(6_000);
  expect(await table.said()).toMatch(
    /end CELL_E_TIMEOUT: The agent has generation 900, this member has applied 3 only/,
  );
});

test('an agent with a newer state than was ever written is told so at once', async () => {
  table.fleetOfOne();
  const before = table.consensus.commands.length;
  table.agent('n1').hello({ generation: 900n });
  expect(await table.said()).toMatch(
    /^n1 > hello\nn1 < end CELL_E_GENERATION_LOST: Node "n1" has generation 900, but the control plane has written 3 only/,
  );
  expect(kinds(table.consensus, before)).toEqual([]);
});

test('an agent that has a state of this fleet is a node that the fleet knows, or that fleet is gone', async () => {
  table.fleetOfOne();
  table.agent('n2').hello({ generation: 2n });
  expect(await table.said()).toMatch(
    /^n2 > hello\nn2 < end CELL_E_GENERATION_LOST: Node "n2" has generation 2, but the control plane does not know it/,
  );
  expect([...table.consensus.state.nodes.keys()]).toEqual(['n1']);
});

test('a member that only lags behind catches up before it judges', async () => {
  table.fleetOfOne();
  const { promise, resolve } = Promise.withResolvers<void>();
  table.consensus.lag = promise;
  table.agent('n1').hello({ generation: 4n });
  expect(await table.said()).toBe('n1 > hello');
  place(table.consensus, 'web', 1, 'n1');
  resolve();
  expect(await table.said()).toContain('n1 < desired at 4, complete: +WEB-0-N1 +WEB-1-N1');
});

test('an older report that was written late at another member is made good with the next heartbeat, and only then', async () => {
  const id = table.fleetOfOne();
  const agent = table.agent('n1');
  agent.hello({ allocations: [{ id, state: AllocationState.RUNNING }] });
  agent.report(id, AllocationState.UNHEALTHY);
  await table.said();
  const late = (state: 'unhealthy' | 'healthy') => {
    const reports = [{ id, nodeId: 'n1', state, restarts: 0, exitCode: undefined, message: '' }];
    table.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  };
  late('unhealthy');
  agent.beat();
  expect(await table.said()).toBe('n1 > heartbeat');
  late('healthy');
  expect(await table.said()).toBe('');
  agent.beat();
  expect(await table.said()).toBe('n1 > heartbeat\n  reports: WEB-0-N1 unhealthy');
  agent.beat();
  expect(await table.said()).toBe('n1 > heartbeat');
  ended(id);
  agent.beat();
  expect(await table.said()).toBe('n1 > heartbeat\nn1 < desired at 6: xWEB-0-N1');
});

test('only agents of touched nodes hear of a change', async () => {
  for (const name of ['n1', 'n2']) addNode(table.consensus, name);
  addJob(table.consensus, 'web', 2);
  table.agent('n1').hello();
  table.agent('n2').hello();
  await table.said();
  place(table.consensus, 'web', 0, 'n2');
  expect(await table.said()).toBe('n2 < desired at 4: +WEB-0-N2');
});

test('a second session of a node ends the first one', async () => {
  table.fleetOfOne();
  table.agent('n1').hello();
  await table.said();
  table.agent('n1').hello();
  expect(await table.said()).toMatch(/^n1 > hello\nn1 < end CELL_E_CONFLICT: Node n1 has begun a newer session/);
  expect(table.registry.size).toBe(1);
});

test('an agent of another cluster is told so', async () => {
  table.agent('n1').hello({ clusterId: 'beef' });
  expect(await table.said()).toMatch(
    /end CELL_E_FOREIGN_CLUSTER: Node "n1" belongs to cluster "beef", this is "c0ffee/,
  );
  expect(table.consensus.commands).toEqual([]);
});

test('a node whose name is taken is refused, also when it is known under another name', async () => {
  addNode(table.consensus, 'n1');
  const { inventory } = exampleHello('n2');
  table.agent('n2').hello({ nodeName: 'n1', inventory });
  expect(await table.said()).toMatch(/end CELL_E_CONFLICT: The name "n1" belongs to node "n1", which is ready/);
  addNode(table.consensus, 'n2');
  table.agent('n2').hello({ nodeName: 'n1' });
  expect(await table.said()).toMatch(/end CELL_E_CONFLICT: The name "n1"/);
});

const wrong: [string, (agent: PaperAgent) => unknown, RegExp][] = [
  ['that does not say Hello first', (agent) => agent.beat(), /must say Hello first/],
  ['that says Hello twice', (agent) => [agent.hello(), agent.hello()], /says Hello once/],
  ['with an odd id', (agent) => agent.hello({ nodeId: '../x' }), /node_id = "..\/x"; allowed: 1 to 64/],
  ['with an odd name', (agent) => agent.hello({ nodeName: 'a b' }), /node_name = "a b"; allowed/],
  [
    'without an inventory',
    (agent) => agent.say({ case: 'hello', value: { nodeId: 'n1', nodeName: 'n1' } }),
    /inventory/,
  ],
  ['with wrong ports', (agent) => agent.hello({ inventory: { portFirst: 9, portLast: 3 } }), /ports = "9-3"/],
  [
    'that reports a state which is not its to know',
    (agent) => [agent.hello(), agent.report('X', AllocationState.LOST)],
    /state = "9"/,
  ],
  [
    'whose heartbeats go backwards',
    (agent) => [agent.hello(), agent.beat(), agent.say({ case: 'heartbeat', value: { sequence: 1n } })],
    /Heartbeat 1 came after heartbeat 1/,
  ],
];

test.each(wrong)('an agent %s is sent away', async (_what, act, message) => {
  act(table.agent('n1'));
  const said = await table.said();
  expect(said).toMatch(/end CELL_E_INVALID/);
  expect(said).toMatch(message);
});

test('a silent session is ended after a lease, one that beats is not', async () => {
  for (const name of ['n1', 'n2']) addNode(table.consensus, name);
  const [silent, lively] = [table.agent('n1'), table.agent('n2')];
  silent.hello();
  lively.hello();
  for (let passed = 0; passed < 4; passed += 1) {
    lively.beat();
    await table.clock.advance(3_000);
  }
  const said = await table.said();
  expect(said).toMatch(/n1 < end CELL_E_TIMEOUT: Nothing was heard from the agent for 10 s/);
  expect(said).not.toMatch(/n2 < end/);
});

test('who never says Hello does not stay', async () => {
  table.agent('n1');
  await table.clock.advance(12_000);
  expect(await table.said()).toMatch(/end CELL_E_TIMEOUT/);
});

test('a member that stood still does not blame its agents', async () => {
  addNode(table.consensus, 'n1');
  const agent = table.agent('n1');
  agent.hello();
  await table.said();
  table.clock.stall(60_000);
  await table.clock.advance(5_000);
  agent.beat();
  await table.clock.advance(9_000);
  expect(await table.said()).toBe('n1 > heartbeat');
});

test('the registry tells of the newest heartbeats, and renews only the session that sent them', async () => {
  addNode(table.consensus, 'n1');
  const old = table.agent('n1');
  old.hello();
  await table.said();
  expect(table.registry.takeNews()).toBe(false);
  old.beat();
  expect(table.registry.takeNews()).toBe(true);
  old.beat();
  expect(table.registry.takeNews()).toBe(false);
  await table.clock.advance(700);
  const heard = [...table.registry.heard()];
  expect(heard).toMatchObject([{ nodeId: 'n1', sequence: 2n, ageMs: 700 }]);
  table.registry.renewLeases(heard);
  expect(await table.said()).toContain('n1 < lease renewed by heartbeat 2');
  table.agent('n1').hello();
  await table.said();
  table.registry.renewLeases(heard);
  expect(await table.said()).toBe('');
});

test('closing the registry ends all sessions', async () => {
  addNode(table.consensus, 'n1');
  table.agent('n1').hello();
  await table.said();
  table.registry.close(new CellError('CELL_E_NO_SESSION', 'The member stops'));
  expect(await table.said()).toBe('n1 < end CELL_E_NO_SESSION: The member stops');
  expect(table.registry.size).toBe(0);
});

test('a thousand sessions take a change without being looked at one by one', async () => {
  for (let node = 0; node < 1_000; node += 1) {
    addNode(table.consensus, `n${node}`);
    table.agent(`n${node}`).hello();
  }
  addJob(table.consensus, 'web', 1);
  await table.said();
  place(table.consensus, 'web', 0, 'n500');
  expect(await table.said()).toBe('n500 < desired at 1002: +WEB-0-N500');
});
