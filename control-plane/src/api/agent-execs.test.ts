import {
  AllocationService,
  type ExecInput,
  type ExecRequestSchema,
  type ExecResponse,
  methodDefinition,
  type Outgoing,
} from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OPEN_GUARD_TOKEN } from '../access/testing/open-guard.ts';
import { CellError } from '../cell-error.ts';
import { addJob, addNode, place, report } from '../execute/testing/example-fleet.ts';
import { answeredError } from '../grpc-error.ts';
import type { Peers } from '../ports.ts';
import { GrpcAgent } from './testing/grpc-agent.ts';
import { PaperMember } from './testing/paper-member.ts';

type Start = Extract<NonNullable<Outgoing<typeof ExecRequestSchema>['message']>, { case: 'start' }>['value'];
type Input = NonNullable<Outgoing<typeof ExecRequestSchema>['message']> & { case: 'input' };

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
  addNode(member.consensus, 'n1', { capabilities: ['exec'] });
  addJob(member.consensus, 'web', 2);
  place(member.consensus, 'web', 0, 'n1');
});

afterEach(() => member.stop());

/** A person who runs a command. */
class Caller {
  readonly call;
  readonly output: string[] = [];
  readonly ended: Promise<string>;
  /** The sentence of the error that it ended with. */
  why = '';

  constructor(start: Start = { allocationId: 'web-0', command: ['cat', '-n'] }, token = 'aaaaaaaaaa') {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
    const metadata = new Metadata();
    metadata.set(OPEN_GUARD_TOKEN, token);
    this.call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    this.ended = new Promise((resolve) => {
      this.call.on('error', (error) => {
        this.why = error.message;
        resolve(answeredError(error)?.code ?? error.message);
      });
      this.call.on('end', () => resolve('end'));
    });
    this.call.write({ message: { case: 'start', value: start } });
  }

  reading(): this {
    this.call.on('data', ({ output }: ExecResponse) => {
      const { case: kind, value } = output?.output ?? { case: 'taken on', value: '' };
      this.output.push(value instanceof Uint8Array ? `${kind} ${Buffer.from(value).toString()}` : `${kind} ${value}`);
    });
    return this;
  }

  say(input: Input['value']['input'], taken?: () => void): void {
    this.call.write({ message: { case: 'input', value: { input } as Input['value'] } }, taken);
  }
}

function caller(start?: Start, token?: string): Caller {
  return new Caller(start, token).reading();
}

/** Waits until the number has stayed the same for a while. */
async function standsStill(count: () => number): Promise<number> {
  let before = -1;
  const still = () => {
    const same = before === count();
    before = count();
    return same;
  };
  await expect.poll(still, { interval: 200, timeout: 10_000 }).toBe(true);
  return before;
}

function connectedAgent(): Promise<GrpcAgent> {
  return GrpcAgent.connected(member, 'n1', 'exec');
}

const piece = Buffer.alloc(64 * 1024, 'x');

test('a command reads, writes both outputs and ends with its exit code', async () => {
  const agent = await connectedAgent();
  const person = caller();
  person.say({ case: 'data', value: Buffer.from('in') });
  person.say({ case: 'resize', value: { columns: 90, rows: 30 } });
  person.say({ case: 'end', value: true });
  const served = (await agent.answerExec()).reading();
  expect(served.command).toEqual(['cat', '-n']);
  await expect.poll(() => served.read).toEqual(['in', '90x30', 'end']);
  served.write('stdout', 'one');
  served.write('stderr', 'two');
  served.exit(130);
  expect(await person.ended).toBe('end');
  expect(person.output).toEqual(['taken on ', 'stdout one', 'stderr two', 'exitCode 130']);
  expect(await served.ended).toBe('ok');
});

test('the agent is asked with the whole id', async () => {
  const agent = await connectedAgent();
  caller();
  expect((await agent.asked('openExec')).start?.allocationId).toBe('WEB-0-N1');
});

test('the agent gives its reason, with its code, for what it can not run', async () => {
  const agent = await connectedAgent();
  const coded = caller();
  (await agent.answerExec()).call.write({ error: 'CELL_E_NOT_FOUND: Nothing runs' });
  expect(await coded.ended).toBe('CELL_E_NOT_FOUND');
  const plain = caller();
  (await agent.answerExec()).call.write({ error: 'No such luck' });
  expect(await plain.ended).toBe('CELL_E_CANNOT_RUN');
});

test.each<[string, Start, string]>([
  ['no command', { allocationId: 'web-0' }, 'CELL_E_INVALID'],
  ['an empty program', { allocationId: 'web-0', command: [''] }, 'CELL_E_INVALID'],
  ['a zero byte', { allocationId: 'web-0', command: ['echo', 'a\0b'] }, 'CELL_E_INVALID'],
  ['too many words', { allocationId: 'web-0', command: Array(1_001).fill('a') }, 'CELL_E_LIMIT'],
  ['too long a word', { allocationId: 'web-0', command: ['a'.repeat(64 * 1024)] }, 'CELL_E_LIMIT'],
  [
    'too large a terminal',
    { allocationId: 'web-0', command: ['a'], terminal: { columns: 10_001, rows: 1 } },
    'CELL_E_INVALID',
  ],
  ['an unknown allocation', { allocationId: 'nope', command: ['a'] }, 'CELL_E_NOT_FOUND'],
  ['no allocation', { command: ['a'] }, 'CELL_E_INVALID'],
])('%s is refused, and the agent is not asked', async (_what, start, code) => {
  const agent = await connectedAgent();
  expect(await caller(start).ended).toBe(code);
  expect(agent.heard.length).toBe(2);
});

test('a caller who begins with input, or begins twice, or gives too much at once, is refused', async () => {
  const agent = await connectedAgent();
  const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const refused = new Promise((resolve) => {
    call.on('error', (error) => resolve(answeredError(error)?.code));
  });
  call.resume();
  call.write({ message: { case: 'input', value: { input: { case: 'end', value: true } } } });
  expect(await refused).toBe('CELL_E_INVALID');

  const twice = caller();
  twice.call.write({ message: { case: 'start', value: { allocationId: 'web-0', command: ['a'] } } });
  const served = (await agent.answerExec()).reading();
  expect(await twice.ended).toBe('CELL_E_INVALID');
  expect(await served.ended).toMatch(/CANCELLED/);

  const much = caller();
  much.say({ case: 'data', value: Buffer.alloc(256 * 1024 + 1) });
  (await agent.answerExec()).reading();
  expect(await much.ended).toBe('CELL_E_LIMIT');
});

test('nothing can be run in an allocation that has ended, or by a runtime that can not', async () => {
  await connectedAgent();
  addNode(member.consensus, 'n2');
  place(member.consensus, 'web', 1, 'n2');
  expect(await caller({ allocationId: 'web-1', command: ['a'] }).ended).toBe('CELL_E_UNSUPPORTED');
  const reports = [report(member.consensus, 'WEB-0-N1', 'complete')];
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  expect(await caller().ended).toBe('CELL_E_NOT_RUNNING');
});

test('an agent that goes away in the middle is told as such, whether it resets or ends its stream', async () => {
  const agent = await connectedAgent();
  for (const leave of ['cancel', 'end'] as const) {
    const person = caller();
    const served = (await agent.answerExec()).reading();
    served.write('stdout', 'some');
    await expect.poll(() => person.output).toEqual(['taken on ', 'stdout some']);
    served.call[leave]();
    expect(await person.ended).toBe('CELL_E_NODE_UNREACHABLE');
  }
});

test('without any session of its agent nothing is run', async () => {
  expect(await caller().ended).toBe('CELL_E_NODE_UNREACHABLE');
});

test('the command ends when its caller goes, and is not told that its input has ended', async () => {
  const agent = await connectedAgent();
  const person = caller();
  const served = (await agent.answerExec()).reading();
  person.say({ case: 'data', value: Buffer.from('half of a') });
  await expect.poll(() => served.read).toEqual(['half of a']);
  person.call.cancel();
  expect(await served.ended).toMatch(/CANCELLED/);
  expect(served.read).toEqual(['half of a']);
});

test('the end of a call alone is not the end of input', async () => {
  const agent = await connectedAgent();
  const person = caller();
  const served = (await agent.answerExec()).reading();
  person.say({ case: 'data', value: Buffer.from('a') });
  person.call.end();
  await expect.poll(() => served.read).toEqual(['a']);
  served.write('stdout', 'still here');
  await expect.poll(() => person.output).toContain('stdout still here');
  expect(served.read).toEqual(['a']);
  served.exit(0);
  expect(await person.ended).toBe('end');
});

test('a command that does not read holds its caller up, and ends with it all the same', async () => {
  const agent = await connectedAgent();
  const person = caller();
  const served = (await agent.answerExec()).notReading();
  let taken = 0;
  for (let count = 0; count < 400; count += 1) person.say({ case: 'data', value: piece }, () => (taken += 1));
  expect(await standsStill(() => taken)).toBeLessThan(200);
  person.call.cancel();
  expect(await served.ended).toMatch(/CANCELLED/);
});

test('a command that ends with input unread ends its caller with its exit code', async () => {
  const agent = await connectedAgent();
  const person = caller();
  const served = (await agent.answerExec()).notReading();
  let taken = 0;
  for (let count = 0; count < 400; count += 1) person.say({ case: 'data', value: piece }, () => (taken += 1));
  await standsStill(() => taken);
  served.exit(3);
  await expect.poll(() => person.output.at(-1)).toBe('exitCode 3');
  expect(await person.ended).toBe('end');
  expect(await served.ended).toMatch(/CANCELLED/);
});

test('a caller who does not read holds the command up, and gets all of it in the end', async () => {
  const agent = await connectedAgent();
  const person = new Caller();
  person.call.once('data', () => person.call.pause());
  const served = (await agent.answerExec()).reading();
  let taken = 0;
  for (let count = 0; count < 400; count += 1) served.write('stdout', piece, () => (taken += 1));
  served.exit(0);
  expect(await standsStill(() => taken)).toBeLessThan(200);
  let bytes = 0;
  person.call.on('data', ({ output }: ExecResponse) => {
    if (output?.output.case === 'stdout') bytes += output.output.value.length;
  });
  person.call.resume();
  expect(await person.ended).toBe('end');
  expect(bytes).toBe(400 * piece.length);
});

test('a caller who goes without having read ends the command', async () => {
  const agent = await connectedAgent();
  const person = new Caller();
  person.call.once('data', () => person.call.pause());
  const served = (await agent.answerExec()).reading();
  let taken = 0;
  for (let count = 0; count < 400; count += 1) served.write('stdout', piece, () => (taken += 1));
  await standsStill(() => taken);
  person.call.cancel();
  expect(await served.ended).toMatch(/CANCELLED/);
});

test('a member passes on so many commands at once, and more when some have ended', async () => {
  const agent = await connectedAgent();
  const asked = () => agent.heard.filter((message) => message.case === 'openExec').length;
  const persons: Caller[] = [];
  while (persons.length < 256) {
    // No more at once than wait for one agent.
    for (let count = 0; count < 32; count += 1) persons.push(caller(undefined, `token${persons.length % 2}`));
    await expect.poll(asked).toBe(persons.length);
  }
  const more = caller();
  expect(await more.ended).toBe('CELL_E_OVERLOADED');
  expect(more.why).toMatch(/what a command writes to 256 already/);
  persons[0]!.call.cancel();
  const again = () => {
    caller();
    return asked();
  };
  await expect.poll(again).toBeGreaterThan(256);
});

test('a command goes to the member that has the session, with all its input', async () => {
  const asked: number[] = [];
  const read: ExecInput['input']['case'][] = [];
  member.relayExec = async function* (to, start, input): ReturnType<Peers['relayExec']> {
    asked.push(to);
    if (to === 2) throw new CellError('CELL_E_NO_SESSION', 'not here');
    expect(start).toMatchObject({ allocationId: 'WEB-0-N1', command: ['cat', '-n'] });
    yield undefined;
    for await (const message of input) {
      read.push(message.input.case);
      if (message.input.case === 'end') break;
    }
    yield { output: { case: 'exitCode', value: 4 } } as never;
  };
  const person = caller();
  person.say({ case: 'data', value: Buffer.from('in') });
  person.say({ case: 'end', value: true });
  expect(await person.ended).toBe('end');
  expect(person.output).toEqual(['taken on ', 'exitCode 4']);
  expect({ asked, read }).toEqual({ asked: [2, 3], read: ['data', 'end'] });
});

test('a command that has begun at a peer is not begun again at another one', async () => {
  const asked: number[] = [];
  member.relayExec = async function* (to): ReturnType<Peers['relayExec']> {
    asked.push(to);
    yield undefined;
    throw new CellError('CELL_E_PEER_UNREACHABLE', 'gone');
  };
  expect(await caller().ended).toBe('CELL_E_PEER_UNREACHABLE');
  expect(asked).toEqual([2]);
});

async function* messages(start: Start): AsyncGenerator<never> {
  yield { message: { case: 'start', value: { command: [], ...start } } } as never;
}

test('a peer is answered only where the session is', async () => {
  const { signal } = new AbortController();
  const start = { allocationId: 'WEB-0-N1', command: ['id'] };
  const elsewhere = member.served.openExec(messages(start), signal)[Symbol.asyncIterator]().next();
  await expect(elsewhere).rejects.toMatchObject({ code: 'CELL_E_NO_SESSION' });
  const agent = await connectedAgent();
  const outputs = member.served.openExec(messages(start), signal)[Symbol.asyncIterator]();
  const first = outputs.next();
  const served = await agent.answerExec();
  expect(await first).toEqual({ done: false, value: undefined });
  served.exit(0);
  expect((await outputs.next()).value).toMatchObject({ output: { case: 'exitCode', value: 0 } });
});
