import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import type { Peers, SeenNode } from '../ports.ts';
import type { HeardNode } from './heard-sessions.ts';
import { startLivenessReporter } from './liveness-reporter.ts';
import { addNode, silentLog } from './testing/example-fleet.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

let clock: FakeClock;
let consensus: MemoryConsensus;
let heard: HeardNode[];
let trace: string[];
let news: string[];
let refusal: CellError | undefined;
let unconfirmed: string[];
let answer: (to: number) => Promise<void>;
const session = {};

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  addNode(consensus, 'a');
  addNode(consensus, 'b');
  heard = [];
  trace = [];
  news = [];
  refusal = undefined;
  unconfirmed = [];
  const say = (to: string) => (seen: readonly SeenNode[]) => {
    trace.push(`${to} ${seen.map(({ nodeId, ageMs }) => `${nodeId}:${ageMs}`).join(' ')}`);
    if (refusal !== undefined) throw refusal;
    return unconfirmed;
  };
  answer = () => Promise.resolve();
  const peers = {
    reportLiveness: async (to: number, seen: readonly SeenNode[]) => {
      const confirmed = say(`report to ${to}:`)(seen);
      await answer(to);
      return confirmed;
    },
  } as Partial<Peers> as Peers;
  const renewLeases = (nodes: readonly HeardNode[]) => {
    trace.push(`renew ${nodes.map(({ nodeId, sequence }) => `${nodeId}#${sequence}`).join(' ')}`);
  };
  const takeNews = () => news.splice(0).length > 0;
  const sessions = { heard: () => heard, takeNews, renewLeases, closeSession: () => {} };
  startLivenessReporter({ consensus, peers, clock, log: silentLog, sessions, reportedHere: say('here:') });
});

function beat(nodeId: string, sequence: bigint): HeardNode {
  return { nodeId, sequence, ageMs: 5, session };
}

test('a follower tells the leader once a second and renews what it confirmed', async () => {
  consensus.lead({ leaderId: 2, leading: false, term: 3 });
  heard = [beat('a', 1n), beat('b', 4n)];
  await clock.advance(1_000);
  expect(trace).toEqual(['report to 2: a:5 b:5', 'renew a#1 b#4']);
});

test('the leader takes note of its own sessions itself', async () => {
  heard = [beat('a', 1n)];
  await clock.advance(1_000);
  expect(trace).toEqual(['here: a:5', 'renew a#1']);
});

test('a heartbeat is reported until it is confirmed, then only a newer one', async () => {
  heard = [beat('a', 1n)];
  refusal = new CellError('CELL_E_NOT_LEADER', 'no');
  await clock.advance(1_000);
  refusal = undefined;
  await clock.advance(2_000);
  heard = [beat('a', 2n)];
  await clock.advance(1_000);
  expect(trace).toEqual(['here: a:5', 'here: a:5', 'renew a#1', 'here: a:5', 'renew a#2']);
});

test.each([1, 2])(
  'a node that leader %i does not confirm holds up no other one, and is reported again',
  async (leaderId) => {
    consensus.lead({ leaderId, leading: leaderId === 1, term: 3 });
    heard = [beat('a', 1n), beat('b', 4n)];
    unconfirmed = ['b'];
    await clock.advance(1_000);
    expect(trace.pop()).toBe('renew a#1');
    unconfirmed = [];
    await clock.advance(1_000);
    expect(trace.slice(1)).toEqual([`${leaderId === 1 ? 'here' : 'report to 2'}: b:5`, 'renew b#4']);
  },
);

test('a leader that does not answer holds up nobody once another one is known', async () => {
  consensus.lead({ leaderId: 2, leading: false, term: 3 });
  heard = [beat('a', 1n)];
  answer = (to) => (to === 2 ? new Promise(() => {}) : Promise.resolve());
  await clock.advance(1_000);
  consensus.lead({ leaderId: 0, leading: false, term: 4 });
  await clock.advance(500);
  expect(trace).toEqual(['report to 2: a:5']);
  consensus.lead({ leaderId: 3, leading: false, term: 4 });
  await clock.advance(750);
  expect(trace.slice(1)).toEqual(['report to 3: a:5', 'renew a#1']);
});

test('a new session of a node is reported although its numbers begin again', async () => {
  heard = [beat('a', 7n)];
  await clock.advance(1_000);
  heard = [{ ...beat('a', 1n), session: {} }];
  await clock.advance(1_000);
  expect(trace.at(-1)).toBe('renew a#1');
});

test('the lease of a node that is lost in the state is not renewed', async () => {
  heard = [beat('a', 1n), beat('b', 1n)];
  const nodes = [{ id: 'b', status: 'lost' as const, message: 'silent' }];
  consensus.write({ kind: 'set-node-status', timeMs: 0, nodes });
  await clock.advance(1_000);
  expect(trace).toEqual(['here: a:5 b:5', 'renew a#1']);
});

test('nothing is renewed if leadership changed while the leader was asked', async () => {
  heard = [beat('a', 1n)];
  const barrier = consensus.readBarrier.bind(consensus);
  consensus.readBarrier = async (timeoutMs) => {
    await barrier(timeoutMs);
    consensus.lead({ leaderId: 3, leading: false, term: 9 });
  };
  await clock.advance(1_000);
  expect(trace).toEqual(['here: a:5']);
});

test('a new session is reported at once, and others with it', async () => {
  heard = [beat('a', 1n)];
  await clock.advance(1_000);
  heard = [beat('a', 2n), beat('b', 1n)];
  news.push('b');
  await clock.advance(250);
  expect(trace.slice(2)).toEqual(['here: a:5 b:5', 'renew a#2 b#1']);
  heard = [beat('a', 3n)];
  await clock.advance(750);
  expect(trace.length).toBe(4);
  await clock.advance(250);
  expect(trace.length).toBe(6);
});

test('without a leader nothing is said', async () => {
  consensus.lead({ leaderId: 0, leading: false, term: 3 });
  heard = [beat('a', 1n)];
  await clock.advance(3_000);
  expect(trace).toEqual([]);
});
