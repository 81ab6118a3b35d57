import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import type { MemberStatus } from '../ports.ts';
import { exampleFounder } from '../state/testing/fleet-arbitraries.ts';
import { exampleAuthority, exampleJoin, exampleJoinToken } from '../state/testing/identity-arbitraries.ts';
import { AuthorityRotation, authorityToRetire, SKEW_MS_MAX } from './authority-rotation.ts';
import { addNode, kinds, silentLog } from './testing/example-fleet.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

const lifetimeMs = 24 * 3_600_000;

let consensus: MemoryConsensus;
let clock: FakeClock;

beforeEach(() => {
  consensus = new MemoryConsensus();
  clock = new FakeClock();
  const tokens = [exampleJoinToken({ usesLeft: 10, expiresAtMs: undefined })];
  consensus.write({ kind: 'found-authority', timeMs: 0, authority: exampleAuthority('ca1'), tokens });
});

function join(
  nodeId: string,
  authorityId: string,
  certificateExpiresAtMs = clock.wallMs() + lifetimeMs + 60_000,
): void {
  const node = exampleJoin({ nodeId, name: nodeId, keyHash: `key-${nodeId}`, authorityId, certificateExpiresAtMs });
  consensus.write({ kind: 'join-node', timeMs: clock.wallMs(), node });
  addNode(consensus, nodeId);
}

function rotate(after: string, next: string): void {
  const authority = exampleAuthority(next, after);
  consensus.write({ kind: 'rotate-authority', timeMs: clock.wallMs(), after, authority });
}

const decided = (laterMs: number) => authorityToRetire(consensus.state, clock.wallMs() + laterMs, lifetimeMs);

test('the only authority stays for ever', () => {
  expect(decided(10 * lifetimeMs)).toBeUndefined();
});

test.each<[string, () => void, 'waits' | 'retired']>([
  ['no node', () => {}, 'retired'],
  ['a node that has renewed', () => join('n1', 'ca2'), 'retired'],
  ['a node that has not', () => join('n1', 'ca1'), 'waits'],
  ['one that has and one that has not', () => joinBoth(), 'waits'],
  ['a node that is lost', () => lose('n1'), 'retired'],
  ['a node whose certificate has ended', () => join('n1', 'ca1', clock.wallMs() + 1), 'retired'],
  ['a node that was revoked', () => revoke('n1'), 'retired'],
  ['a node that has joined and not come yet', () => joinOnly('n1', 'ca1'), 'waits'],
])('after the overlap, with %s: %s', (_case, prepare, outcome) => {
  rotate('ca1', 'ca2');
  prepare();
  expect(decided(lifetimeMs - 1)).toBeUndefined();
  expect(decided(lifetimeMs)).toBe(outcome === 'retired' ? 'ca1' : undefined);
  // Nothing that it has issued can still be good.
  expect(decided(lifetimeMs + SKEW_MS_MAX)).toBe('ca1');
});

function joinBoth(): void {
  join('n1', 'ca1');
  join('n2', 'ca2');
}

function lose(id: string): void {
  join(id, 'ca1');
  const nodes = [{ id, status: 'lost' as const, message: '' }];
  consensus.write({ kind: 'set-node-status', timeMs: clock.wallMs(), nodes });
}

function revoke(id: string): void {
  join(id, 'ca1');
  consensus.write({ kind: 'revoke-node', timeMs: clock.wallMs(), id });
}

function joinOnly(nodeId: string, authorityId: string): void {
  const certificateExpiresAtMs = clock.wallMs() + lifetimeMs + 60_000;
  const node = exampleJoin({ nodeId, name: nodeId, authorityId, certificateExpiresAtMs });
  consensus.write({ kind: 'join-node', timeMs: clock.wallMs(), node });
}

test('of several that were replaced, the oldest goes first', () => {
  rotate('ca1', 'ca2');
  rotate('ca2', 'ca3');
  join('n1', 'ca2');
  expect(decided(lifetimeMs)).toBe('ca1');
  consensus.write({ kind: 'retire-authority', timeMs: 0, id: 'ca1' });
  expect(decided(lifetimeMs)).toBeUndefined();
});

/** Runs the leader's duty over members that have applied so much. */
function lead(applied: Record<number, number | undefined>): AuthorityRotation {
  const founders = Object.keys(applied).map((id) => exampleFounder(Number(id)));
  consensus.write({ kind: 'found-members', timeMs: 0, members: founders });
  const peers = {
    member: async (id: number) => {
      const appliedIndex = applied[id];
      if (appliedIndex === undefined) throw new CellError('CELL_E_PEER_UNREACHABLE', 'away');
      return { appliedIndex } as MemberStatus;
    },
  };
  const rotation = new AuthorityRotation({
    consensus,
    peers,
    clock,
    log: silentLog,
    certificateLifetimeMs: lifetimeMs,
  });
  rotation.start();
  return rotation;
}

let rotation: AuthorityRotation | undefined;
afterEach(() => rotation?.stop());

const retired = () => kinds(consensus).filter((kind) => kind === 'retire-authority').length;

test('the leader retires the old authority once all members have the new one, twice looked', async () => {
  const applied: Record<number, number | undefined> = { 1: 1_000, 2: 1_000, 3: undefined };
  rotate('ca1', 'ca2');
  clock.stall(3 * lifetimeMs);
  rotation = lead(applied);
  await clock.advance(60_000);
  expect(retired()).toBe(0);
  applied[3] = consensus.state.authorities.at(-1)!.modifyIndex - 1;
  await clock.advance(60_000);
  expect(retired()).toBe(0);
  applied[3] += 1;
  await clock.advance(5_000);
  expect(retired()).toBe(0);
  await clock.advance(5_000);
  expect(retired()).toBe(1);
  expect(consensus.state.authorities.map(({ id }) => id)).toEqual(['ca2']);
  await clock.advance(60_000);
  expect(retired()).toBe(1);
});

test('a member that goes away between two looks holds it up, and so does one that does not lead any more', async () => {
  const applied: Record<number, number | undefined> = { 1: 1_000, 2: 1_000 };
  rotate('ca1', 'ca2');
  clock.stall(2 * lifetimeMs);
  rotation = lead(applied);
  await clock.advance(5_000);
  applied[2] = undefined;
  await clock.advance(5_000);
  applied[2] = 1_000;
  await clock.advance(5_000);
  expect(retired()).toBe(0);
  rotation.stop();
  await clock.advance(60_000);
  expect(retired()).toBe(0);
});
