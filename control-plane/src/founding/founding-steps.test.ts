import { expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import {
  type Asked,
  foundersText,
  type IntroductionAnswer,
  nextStep,
  receive,
  takeAdmission,
  takeFounding,
} from './founding-steps.ts';
import { newIdentity } from './member-identity.ts';

const configured = [1, 2, 3].map((id) => ({ id, grpc: `g${id}`, peers: `p${id}`, http: `h${id}` }));
const founders = foundersText(configured);
const members = configured.map((member) => ({ ...member, incarnation: `i${member.id}` }));
const own = newIdentity(1, 'c', 'i1');
const founded = takeFounding(own, configured, { clusterId: 'x', cluster: 'c', members });

function answered(id: number, fields: Partial<IntroductionAnswer> = {}): Asked {
  const empty = {
    memberId: id,
    clusterId: '',
    incarnation: `i${id}`,
    cluster: 'c',
    founders,
    admitted: false,
    refusal: '',
    members: [],
  };
  return { id, answer: { ...empty, ...fields } };
}

function failed(id: number, code: CellError['code']): Asked {
  return { id, error: new CellError(code, `Said ${code}`) };
}

function caller(memberId: number, incarnation: string, cluster = 'c') {
  return { memberId, incarnation, cluster, founders };
}

test('the member with the lowest id founds once all others are empty and name the same founders', () => {
  expect(nextStep(own, configured, [answered(2), answered(3)])).toEqual({ kind: 'found', members });
  expect(nextStep(newIdentity(2, 'c', 'i2'), configured, [answered(1), answered(3)])).toEqual({
    kind: 'wait',
    reason: 'Waiting for member 1 to found the cluster',
  });
  expect(nextStep(own, configured.slice(0, 1), [])).toEqual({ kind: 'found', members: members.slice(0, 1) });
});

test.each([
  ['who does not answer', failed(3, 'CELL_E_PEER_UNREACHABLE'), 'Waiting for member 3 to found the cluster'],
  ['other founders', answered(3, { founders: ['3=p3'] }), 'member 3 has "members" 3=p3'],
  [
    'one that has the id of another one',
    answered(3, { memberId: 2 }),
    'member 3 at p3, and who answers there is configured as member 2',
  ],
  ['another name', answered(3, { cluster: 'd' }), 'member 3 is configured for cluster "d", this one for "c"'],
  ['a cluster that is there', answered(3, { clusterId: 'x', refusal: 'Not invited' }), 'Not invited'],
])('it waits for %s, and says so', (_, third, reason) => {
  const step = nextStep(own, configured, [answered(2), third]);
  expect(step).toEqual({ kind: 'wait', reason: expect.stringContaining(reason) });
});

test('it is let in by anybody, and ends as soon as anybody says that it may never come', () => {
  const admission = { clusterId: 'x', admitted: true, members };
  expect(nextStep(own, configured, [failed(2, 'CELL_E_TIMEOUT'), answered(3, admission)])).toEqual({
    kind: 'join',
    clusterId: 'x',
    members,
  });
  for (const code of ['CELL_E_DATA_LOST', 'CELL_E_REMOVED'] as const) {
    const step = nextStep(own, configured, [answered(3, admission), failed(2, code)]);
    expect(step).toMatchObject({ kind: 'end', error: { code } });
  }
});

test('callers are received by what is known of them', () => {
  const member = (incarnation: string) => ({ incarnation, status: 'member' }) as const;
  expect(receive(own, undefined, caller(2, 'i2'))).toEqual({ kind: 'empty' });
  expect(receive(founded, member('i2'), caller(2, 'i2'))).toEqual({ kind: 'tell' });
  expect(receive(founded, { incarnation: '', status: 'invited' }, caller(4, 'i4'))).toEqual({
    kind: 'admit',
    known: false,
  });
  expect(receive(founded, member('i4'), caller(4, 'i4'))).toEqual({ kind: 'admit', known: true });
  expect(receive(founded, undefined, caller(5, 'i5'))).toEqual({
    kind: 'refuse',
    reason: expect.stringContaining('control-plane add 5'),
  });
});

test('callers that may never come are told why', () => {
  const lost = () => receive(founded, { incarnation: 'i2', status: 'member' }, caller(2, 'new'));
  const removed = () => receive(founded, { incarnation: 'i2', status: 'removed' }, caller(2, 'i2'));
  const foreign = () => receive(founded, undefined, caller(2, 'i2', 'd'));
  expect(lost).toThrow(expect.objectContaining({ code: 'CELL_E_DATA_LOST' }));
  expect(removed).toThrow(expect.objectContaining({ code: 'CELL_E_REMOVED' }));
  expect(foreign).toThrow(expect.objectContaining({ code: 'CELL_E_FOREIGN_CLUSTER' }));
});

test('a member takes a founding once, and none that was meant for another folder or for other founders', () => {
  const founding = { clusterId: 'x', cluster: 'c', members };
  expect(founded).toMatchObject({ clusterId: 'x', origin: 'founded', members });
  expect(takeFounding(founded, configured, founding)).toBe(founded);
  const refusals = [
    () => takeFounding(founded, configured, { ...founding, clusterId: 'y' }),
    () => takeFounding(own, configured, { ...founding, cluster: 'd' }),
    () => takeFounding({ ...own, incarnation: 'new' }, configured, founding),
    () => takeFounding(own, configured.slice(0, 2), founding),
  ];
  const codes = ['CELL_E_FOREIGN_CLUSTER', 'CELL_E_FOREIGN_CLUSTER', 'CELL_E_DATA_LOST', 'CELL_E_CONFLICT'];
  for (const [place, refusal] of refusals.entries()) {
    expect(refusal).toThrow(expect.objectContaining({ code: codes[place] }));
  }
});

test('who was let in begins with an empty log, and stays in the cluster that it has', () => {
  expect(takeAdmission(own, { clusterId: 'x', members })).toMatchObject({
    clusterId: 'x',
    origin: 'admitted',
    members,
  });
  expect(takeAdmission(founded, { clusterId: 'y', members: [] })).toBe(founded);
});
