import { FleetService, NodeService } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { exampleJoin } from '../state/testing/identity-arbitraries.ts';
import { PaperMember } from './testing/paper-member.ts';
import { writeToken } from './testing/paper-people.ts';

const { drainNode, getNode, listNodes, setNodeEligibility, undrainNode } = NodeService.method;

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
  addNode(member.consensus, 'a');
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'a');
  place(member.consensus, 'web', 1, 'a');
});

afterEach(() => member.stop());

test('a node is drained and given back; how far it is, and why not further, is told of it', async () => {
  const { node, index } = await member.call(drainNode, { node: 'a', deadlineMs: 60_000n, keepSystemJobs: true });
  expect(index).toBe(5n);
  const { drain } = node!;
  expect(node).toMatchObject({ eligible: false, drain: { remaining: 2, keepSystemJobs: true } });
  expect(Number(drain?.deadlineAt?.seconds) - Number(drain?.startedAt?.seconds)).toBe(60);
  expect(drain?.finishedAt).toBeUndefined();
  expect(drain?.waits).toMatchObject([
    { job: 'web', instance: 0, reason: 'finds no room elsewhere: there is no other node', stuck: true },
    { job: 'web', instance: 1, reason: 'finds no room elsewhere: there is no other node', stuck: true },
  ]);
  expect((await member.call(getNode, { node: 'a' })).node?.drain?.waits).toHaveLength(2);
  const { nodes } = await member.call(listNodes, {});
  expect(nodes[0]?.drain).toMatchObject({ remaining: 2, waits: [] });
  const status = await member.call(FleetService.method.getFleetStatus, {});
  expect(status).toMatchObject({ nodesReady: 1, nodesDrained: 1, nodesIneligible: 0 });
  const back = await member.call(undrainNode, { node: 'a' });
  expect(back.node?.eligible).toBe(true);
  expect(back.node?.drain).toBeUndefined();
});

test('without a deadline there is none, and 0 is one', async () => {
  const none = await member.call(drainNode, { node: 'a' });
  expect(none.node?.drain?.deadlineAt).toBeUndefined();
  const now = await member.call(drainNode, { node: 'a', deadlineMs: 0n });
  expect(now.node?.drain?.deadlineAt).toBeDefined();
  expect(member.consensus.state.nodes.get('a')?.drain?.remainingMs).toBe(0);
});

test('a deadline that nobody can mean is refused', async () => {
  const asked = member.call(drainNode, { node: 'a', deadlineMs: 2n ** 63n });
  await expect(asked).rejects.toMatchObject({ code: 'CELL_E_INVALID', message: expect.stringContaining('365 days') });
  expect(member.consensus.state.nodes.get('a')?.eligible).toBe(true);
});

test('eligibility is switched, and refused for a drained node with what to say instead', async () => {
  const off = await member.call(setNodeEligibility, { node: 'a', eligible: false });
  expect(off.node).toMatchObject({ eligible: false });
  expect(await member.call(FleetService.method.getFleetStatus, {})).toMatchObject({
    nodesDrained: 0,
    nodesIneligible: 1,
  });
  await member.call(drainNode, { node: 'a' });
  const on = member.call(setNodeEligibility, { node: 'a', eligible: true });
  await expect(on).rejects.toMatchObject({ code: 'CELL_E_CONFLICT', message: expect.stringContaining('undrain a') });
});

test.each([
  ['drained', drainNode],
  ['given back', undrainNode],
  ['made ineligible', setNodeEligibility],
] as const)('a node that is not there can not be %s', async (_, method) => {
  await expect(member.call(method, { node: 'x' })).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
});

test('a machine whose name another one has since, and one that never said that it is a node, can be revoked', async () => {
  const { consensus } = member;
  const { inventory } = consensus.state.nodes.get('a')!;
  const described = {
    kind: 'register-node',
    timeMs: 0,
    name: 'b',
    inventory,
    agentVersion: '1',
    httpAddress: '',
  } as const;
  writeToken(member, 'join', { id: 'j1', usesLeft: 9 });
  for (const nodeId of ['old-b', 'stranger']) {
    consensus.write({ kind: 'join-node', timeMs: 0, node: exampleJoin({ nodeId, name: 'b', keyHash: nodeId }) });
  }
  consensus.write({ ...described, id: 'old-b' });
  const lost = { id: 'old-b', status: 'lost', message: 'stolen' } as const;
  consensus.write({ kind: 'set-node-status', timeMs: 0, nodes: [lost] });
  consensus.write({ ...described, id: 'new-b' });
  expect([...consensus.state.nodes.keys()]).toEqual(['a', 'new-b']);
  for (const id of ['old-b', 'stranger']) {
    const { node } = await member.call(NodeService.method.revokeNode, { node: id });
    expect(node).toMatchObject({ id, name: 'b', revoked: true });
    expect(consensus.state.nodeIdentities.get(id)?.revokedAtMs).toBeDefined();
  }
  expect(consensus.state.nodes.get('new-b')?.eligible).toBe(true);
});
