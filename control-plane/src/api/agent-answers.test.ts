import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../execute/testing/fake-clock.ts';
import { AgentAnswers, namelessMax, refusedByAgent } from './agent-answers.ts';
import type { AgentSession } from './agent-session.ts';

let clock: FakeClock;
let answers: AgentAnswers<string>;
let asked: string[];
const session = { nodeId: 'n1', request: () => {} } as unknown as AgentSession;

beforeEach(() => {
  clock = new FakeClock();
  answers = new AgentAnswers(clock, { what: 'output', openMax: 2 });
  asked = [];
});

function ask(signal = new AbortController().signal): Promise<string> {
  const request = (requestId: string) => {
    asked.push(requestId);
    return { case: 'openLogs', value: { requestId } } as const;
  };
  return answers.ask(session, request, signal);
}

test('an answer goes to who has asked for it, once', async () => {
  const both = [ask(), ask()];
  answers.arrived(asked[1]!, 'n1', 'second');
  answers.arrived(asked[0]!, 'n1', 'first');
  expect(await Promise.all(both)).toEqual(['first', 'second']);
  expect(() => answers.arrived(asked[0]!, 'n1', 'again')).toThrow(/Nobody waits for this output/);
});

test('nobody answers in the place of the node that was asked', async () => {
  const waiting = ask();
  expect(() => answers.arrived(asked[0]!, 'n2', 'forged')).toThrow(/Nobody waits for this output/);
  answers.arrived(asked[0]!, 'n1', 'true');
  expect(await waiting).toBe('true');
});

test('an agent that does not answer is waited for 10 s, and comes too late after that', async () => {
  const waiting = ask();
  const refused = expect(waiting).rejects.toMatchObject({ code: 'CELL_E_NODE_UNREACHABLE' });
  await clock.advance(9_999);
  expect(clock.timers).toBe(1);
  await clock.advance(1);
  await refused;
  expect(() => answers.arrived(asked[0]!, 'n1', 'late')).toThrow(/Nobody waits/);
});

test('a caller who goes is not waited for', async () => {
  const caller = new AbortController();
  const waiting = ask(caller.signal);
  caller.abort(new Error('gone'));
  await expect(waiting).rejects.toMatchObject({ code: 'CELL_E_TIMEOUT' });
  await expect(ask(caller.signal)).rejects.toThrow('gone');
  expect(clock.timers).toBe(0);
});

test('so many are open at once, and others once one has left', () => {
  const leave = answers.enter();
  answers.enter();
  expect(() => answers.enter()).toThrow(/passes on output to 2 already/);
  leave();
  answers.enter();
});

test('a node may open so many streams without a word, and others go on', async () => {
  const ends: (() => void)[] = [];
  const open = (nodeId: string) =>
    answers.named(
      nodeId,
      () =>
        new Promise<void>((resolve) => {
          ends.push(resolve);
        }),
    );
  const opened = Array.from({ length: namelessMax }, () => open('n1'));
  await expect(open('n1')).rejects.toMatchObject({ code: 'CELL_E_OVERLOADED' });
  const other = open('n2');
  for (const end of ends.splice(0)) end();
  await Promise.all([...opened, other]);
  await expect(answers.named('n1', async () => 'its name')).resolves.toBe('its name');
  const failing = () => answers.named('n1', () => Promise.reject(new Error('gone')));
  for (let count = 0; count <= namelessMax; count += 1) await expect(failing()).rejects.toThrow('gone');
});

test('a stream that does not say what it answers is waited for 10 s', async () => {
  const late = expect(answers.named('n1', () => new Promise(() => {}))).rejects.toMatchObject({
    code: 'CELL_E_TIMEOUT',
  });
  await answers.named('n1', async () => 'its name');
  expect(clock.timers).toBe(1);
  await clock.advance(10_000);
  await late;
  expect(clock.timers).toBe(0);
});

test.each([
  ['CELL_E_UNSUPPORTED: This node can not', 'CELL_E_UNSUPPORTED', 'This node can not'],
  ['CELL_E_X: a: b\nc', 'CELL_E_X', 'a: b\nc'],
  ['Something else', 'CELL_E_NOT_FOUND', 'Something else'],
  ['CELL_E_UNSUPPORTED', 'CELL_E_NOT_FOUND', 'CELL_E_UNSUPPORTED'],
])('a refusal %j has code and sentence', (text, code, message) => {
  expect(refusedByAgent(text, 'CELL_E_NOT_FOUND')).toMatchObject({ code, message });
});
