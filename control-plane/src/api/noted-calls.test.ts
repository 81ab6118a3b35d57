import { AllocationService, ControlPlaneService, DrillService, methodDefinition } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGuard } from '../access/testing/open-guard.ts';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { PaperMember } from './testing/paper-member.ts';

let member: PaperMember;
/** What was noted, and what was done, in this order. */
let order: string[];

beforeEach(async () => {
  order = [];
  const open = openGuard();
  member = await PaperMember.start({
    enter: (method, call) => ({
      ...open.enter(method, call),
      begun: (subject) => void order.push(`${method.name} on ${subject}`),
      begunNow: async (subject) => void order.push(`${method.name} on ${subject}, written`),
      ended: (outcome) => void order.push(outcome),
    }),
  });
  member.consensus.changeMembership = async ({ kind, id }) => {
    order.push(`${kind} ${id}`);
    return 1;
  };
  member.consensus.transferLeadership = async (to) => void order.push(`transfer to ${to}`);
  member.crashes.push = (what) => order.push(`crash of ${what}`);
});

afterEach(() => member.stop());

test('a change of membership is written in the audit log before it is made', async () => {
  const addresses = { grpcAddress: 'h:7600', peerAddress: 'h:7601', httpAddress: 'h:7602' };
  await member.call(ControlPlaneService.method.addMember, { id: 4n, ...addresses });
  await member.call(ControlPlaneService.method.removeMember, { id: 4n });
  const added = ['AddMember on member/4, written', 'add 4', 'ok'];
  expect(order).toEqual([...added, 'RemoveMember on member/4, written', 'remove 4', 'ok']);
});

test('the crash of a leader is written in the audit log before it happens', async () => {
  member.consensus.lead({ leaderId: 2, leading: false, term: 2 });
  await member.call(DrillService.method.crashLeader, { drillId: 'd', leaderId: 2n });
  expect(order).toEqual(['CrashLeader on member/2, written', 'crash of member 2 for d', 'ok']);
});

test('a command in an allocation is noted as soon as it is clear where it runs', async () => {
  addNode(member.consensus, 'n1');
  addJob(member.consensus, 'web', 1);
  place(member.consensus, 'web', 0, 'n1');
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.on('error', () => {});
  call.resume();
  call.write({ message: { case: 'start', value: { allocationId: 'web', command: ['id'] } } });
  await expect.poll(() => order[0]).toBe('Exec on allocation/WEB-0-N1 (web/0)');
  call.cancel();
});

test('to ask what a recovery would do is no change; to have it done is one', async () => {
  const { recoverQuorum } = ControlPlaneService.method;
  await member.call(recoverQuorum, { survivor: 2n, confirmCluster: '' });
  expect(order).toEqual(['ok']);
  await member.call(recoverQuorum, { survivor: 2n, confirmCluster: 'paper' });
  expect(order).toEqual(['ok', 'RecoverQuorum on member/2', 'ok']);
});
