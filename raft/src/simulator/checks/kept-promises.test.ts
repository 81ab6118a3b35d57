import { expect, test } from 'vitest';
import type { Message } from '../../core/index.ts';
import { KeptPromises } from './kept-promises.ts';
import { logOfTerms, memberView, sentMessage } from './testing/views.ts';

const vote = sentMessage({ type: 'vote-response', from: 1, to: 2, term: 3 });
const acknowledged = sentMessage({ type: 'append-response', from: 1, to: 2, term: 3, index: 2 });

/** Member 1 sends this while its disk has term 3, this vote, and two entries. */
function send(message: Message, hardState: { term?: number; vote?: number } = {}, check = new KeptPromises()) {
  const disk = logOfTerms(1, 1);
  disk.setHardState({ term: 3, vote: 2, commit: 0, ...hardState });
  return check.sent(message, disk);
}

test.each([
  { why: 'a vote that is not on the disk', message: vote, disk: { vote: 0 } },
  { why: 'a vote in a term that is not on the disk', message: vote, disk: { term: 2 } },
  { why: 'an answer in a term that is not on the disk', message: acknowledged, disk: { term: 2 } },
  { why: 'entries that are not on the disk', message: { ...acknowledged, index: 3 }, disk: {} },
])('a promise of $why is reported', ({ message, disk }) => {
  expect(send(message, disk)).toBeTypeOf('string');
});

test('a member that asks for votes in a term that it could forget is reported', () => {
  const request = sentMessage({ type: 'vote', from: 1, to: 2, term: 3 });
  expect(send(request, { term: 2, vote: 1 })).toMatch(/asks for votes in term 3/);
  expect(send(request, { vote: 2 })).toMatch(/vote 2/);
  expect(send(request, { vote: 1 })).toBeUndefined();
});

test('two votes in one term are reported, also over a restart and when one is for oneself', () => {
  const check = new KeptPromises();
  expect(send(vote, {}, check)).toBeUndefined();
  expect(send({ ...vote, to: 3 }, { vote: 3 }, check)).toMatch(/voted in term 3 for 2 and for 3/);
  expect(check.stepped(undefined, memberView({ id: 1, role: 'leader', term: 3 }))).toMatch(/for 2 and for 1/);
});

test('what is on the disk may be promised, and a refusal promises nothing', () => {
  expect(send(vote)).toBeUndefined();
  expect(send(acknowledged)).toBeUndefined();
  expect(send({ ...acknowledged, index: 9, reject: true })).toBeUndefined();
  // Replaced meanwhile by a leader of a later term.
  expect(send({ ...acknowledged, index: 9 }, { term: 4 })).toBeUndefined();
});
