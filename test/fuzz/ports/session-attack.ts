/** A node that was let in, and says what no agent says: too much, in a wrong order, twice, or what nobody knows. */
import { randomBytes } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { type Credentials, channelCredentials, channelSecurityOptions } from '@cell/identity';
import { AgentService, AllocationState, HelloSchema, methodDefinition, SessionRequestSchema } from '@cell/proto';
import { Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { randomMessage } from '../random-message.ts';
import { codeOf } from './call-with-bytes.ts';

export interface SessionAttackParts {
  readonly port: number;
  readonly trust: string;
  readonly credentials: Credentials;
  readonly nodeId: string;
  readonly clusterId: string;
}

/** For a Welcome, which comes at once unless the Hello was no good. */
const WELCOME_MS_MAX = 5_000;
/** For what comes of all that is said, or does not. */
const AFTER_MS_MAX = 60;
const MESSAGES_MAX = 8;
/** One above what a report may have. */
const ALLOCATIONS_MAX = 10_001;
const SEQUENCES = [0n, 1n, 2n, 2n ** 53n, 2n ** 64n - 1n];
const NUMBERS = [0, 1, 2 ** 31 - 1, 2 ** 32 - 1];
const LONG = 'x'.repeat(200_000);
/** Cut to an even length, half a character is left. */
const CUT = `a${'😀'.repeat(600)}`;
/** Of values by allocation. */
const USAGES = 2_000;

type Message = NonNullable<Parameters<typeof create<typeof SessionRequestSchema>>[1]>['message'];

/** Gives what to do once; it resolves with how the session ended. */
export function sessionAttack(parts: SessionAttackParts): (random: Random) => Promise<string> {
  const { port, trust, credentials } = parts;
  const options = { ...channelSecurityOptions, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(`127.0.0.1:${port}`, channelCredentials({ trust: [trust], credentials }), options);
  const { path } = methodDefinition(AgentService.method.session);
  const bytes = (message: Buffer) => message;
  return async (random) => {
    const call = client.makeBidiStreamRequest(path, bytes, bytes);
    const ended = endOf(call);
    const welcomed = new Promise<void>((resolve) => {
      call.once('data', () => resolve());
    });
    call.write(wire(hello(parts, random)));
    await Promise.race([ended, welcomed, afterMs(WELCOME_MS_MAX)]);
    for (let said = random.below(MESSAGES_MAX + 1); said > 0; said -= 1) call.write(anything(parts, random));
    const end = await Promise.race([ended, afterMs(AFTER_MS_MAX)]);
    call.cancel();
    return end ?? 'OK';
  };
}

function endOf(call: ClientDuplexStream<Buffer, Buffer>): Promise<string> {
  return new Promise((resolve) => {
    call.on('data', () => {});
    call.on('end', () => resolve('OK'));
    call.on('error', (error: ServiceError) => resolve(codeOf(error)));
  });
}

function afterMs(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), milliseconds);
  });
}

function wire(message: Message): Buffer {
  return Buffer.from(toBinary(SessionRequestSchema, create(SessionRequestSchema, { message } as never)));
}

type Said = Record<string, unknown>;

/** What may be wrong with a Hello; one at a time, so that the others are reached. */
const WRONG: readonly ((random: Random) => { readonly hello?: Said; readonly inventory?: Said })[] = [
  (random) => ({ hello: { nodeId: random.pick(['', 'id-n2', CUT, LONG]) } }),
  (random) => ({ hello: { nodeName: random.pick(['', 'n 1', CUT, LONG]) } }),
  (random) => ({ hello: { clusterId: random.pick(['another', LONG]) } }),
  () => ({ hello: { agentVersion: LONG } }),
  (random) => ({ hello: { generation: random.pick(SEQUENCES) } }),
  (random) => ({ hello: { allocations: allocations(random) } }),
  (random) => ({ inventory: { capacity: { cpuMillis: random.pick(NUMBERS), memoryMib: random.pick(NUMBERS) } } }),
  () => ({ inventory: { diskFreeMib: 2n ** 63n } }),
  () => ({ inventory: { address: LONG } }),
  (random) => ({ inventory: { portFirst: random.pick(NUMBERS), portLast: random.pick(NUMBERS) } }),
  () => ({ inventory: { attributes: Object.fromEntries([['__proto__', 'a']]) } }),
  () => ({ inventory: { attributes: { [LONG]: CUT } } }),
  () => ({ inventory: { capabilities: Array<string>(5_000).fill('exec') } }),
];

function hello({ nodeId, clusterId }: SessionAttackParts, random: Random): Message {
  const wrong = random.once(2) ? {} : random.pick(WRONG)(random);
  const capacity = { cpuMillis: 1_000, memoryMib: 1_000 };
  const ports = { portFirst: 20_000, portLast: 20_010 };
  const inventory = { capacity, diskFreeMib: 5n, address: '127.0.0.1', ...ports, ...wrong.inventory };
  const value = { nodeId, nodeName: 'n1', clusterId, agentVersion: '0.1.0', inventory, ...wrong.hello };
  return { case: 'hello', value };
}

function anything(parts: SessionAttackParts, random: Random): Buffer {
  const kind = random.below(6);
  if (kind === 0) return wire(hello(parts, random));
  if (kind === 1) return wire({ case: 'report', value: { allocations: allocations(random) } } as Message);
  if (kind === 2) return wire({ case: 'heartbeat', value: heartbeat(random) });
  // A field that nobody knows, with a length that it does not have, now and then.
  if (kind === 3) return Buffer.concat([Buffer.from([0xfa, 0x06, random.pick([3, 4])]), randomBytes(3)]);
  if (kind === 4) return randomMessage(random, SessionRequestSchema);
  return mutate(
    [wire(hello(parts, random)).subarray(0, 1_000), toBinary(HelloSchema, create(HelloSchema))],
    'bytes',
    random,
  );
}

function heartbeat(random: Random) {
  const names = random.once(3) ? Array.from({ length: USAGES }, (_, place) => `a${place}`) : ['a0', '__proto__', LONG];
  const usage = Object.fromEntries(names.map((name) => [name, { memoryBytes: 2n ** 63n, cpuNanos: 2n ** 64n - 1n }]));
  return { sequence: random.pick(SEQUENCES), memoryAvailableMib: 2n ** 64n - 1n, usage: random.once(2) ? usage : {} };
}

/** Often the same one many times. */
function allocations(random: Random) {
  const length = random.pick([1, 1, 2, 2, 500, random.once(4) ? ALLOCATIONS_MAX : 500]);
  const id = random.pick(['a0', '__proto__', CUT, LONG, '']);
  const state = random.once(8) ? 99 : random.pick([AllocationState.RUNNING, AllocationState.FAILED]);
  const message = random.once(4) && length < 3 ? LONG : 'gone';
  const restarts = random.pick(NUMBERS);
  return Array.from({ length }, (_, place) => {
    return { id: length > 2 ? `a${place % 500}` : id, state, restarts, exitCode: -(2 ** 31), message };
  });
}
