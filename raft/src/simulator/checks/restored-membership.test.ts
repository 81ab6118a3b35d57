import { expect, test } from 'vitest';
import { EMPTY_CONF_STATE } from '../../core/index.ts';
import { RestoredMembership } from './restored-membership.ts';
import { memberView } from './testing/views.ts';

const check = new RestoredMembership();
const conf = { ...EMPTY_CONF_STATE, voters: [1, 2, 3] };

test('the membership of the snapshot is accepted, in whichever order', () => {
  expect(check.installed(memberView({ conf: { ...conf, voters: [3, 1, 2] } }), conf)).toBeUndefined();
});

test.each([
  { why: 'another voter', inForce: { ...conf, voters: [1, 2, 4] } },
  { why: 'a voter less', inForce: { ...conf, voters: [1, 2] } },
  { why: 'a learner more', inForce: { ...conf, learners: [4] } },
  { why: 'a joint configuration', inForce: { ...conf, votersOutgoing: [1, 2] } },
  { why: 'a joint configuration that leaves by itself', inForce: { ...conf, autoLeave: true } },
  { why: 'a voter that is to become a learner', inForce: { ...conf, learnersNext: [3] } },
])('$why than the snapshot has is reported', ({ inForce }) => {
  expect(check.installed(memberView({ conf: inForce }), conf)).toMatch(/took a snapshot of/);
});
