import { setTimeout } from 'node:timers/promises';
import type { CommandStream } from '@cell/sdk';
import { expect, test } from 'vitest';
import { residentMb } from '../../bench/process-usage.ts';
import type { Fleet, Member } from '../harness/fleet.ts';
import { patientMembers } from '../harness/patient-members.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const MEBIBYTE = 1024 * 1024;
/** As long as a mark's padding may be. */
const MARK_BYTES = 64 * 1024;
/** More together than a member lets wait; less of each stream than fits into one message. */
const STREAMS = 14;
const PER_STREAM = 100;
/** More than the log is long at rest: two snapshots are due, and the first entries are dropped. */
const WRITTEN_BYTES = 144 * MEBIBYTE;

/** The limits that docs/performance.md names. */
const LIMITS = {
  cell_raft_log_memory_bytes: (256 + 64) * MEBIBYTE,
  cell_raft_pending_proposals_bytes: 64 * MEBIBYTE,
  cell_pending_changes_bytes: 64 * MEBIBYTE,
  cell_raft_peer_buffered_bytes: 16 * MEBIBYTE,
  // One message may go over it.
  cell_raft_member_inflight_bytes: 9 * MEBIBYTE,
} as const;
/** Kept behind a snapshot, and written since; entries may go over each of them. */
const LOG_BYTES_AT_REST = (64 + 64 + 2) * MEBIBYTE;
/** All limits together, each four times: what crosses the wire exists in several forms. The rest is the program. */
const RESIDENT_MB_MAX = (4 * (320 + 64 + 64 + 2 * (16 + 9)) * MEBIBYTE) / 1e6 + 500;

type Figure = keyof typeof LIMITS;

async function figures(member: Member): Promise<Map<Figure, number>> {
  const { body } = await member.http('/metrics');
  const found = new Map<Figure, number>();
  for (const [, name, value] of body.matchAll(/^(cell_\w+_bytes)(?:\{.*\})? (\S+)$/gm)) {
    if (name! in LIMITS) found.set(name as Figure, Math.max(found.get(name as Figure) ?? 0, Number(value)));
  }
  return found;
}

/** Keeps the largest figures that a member shows. */
class Watch {
  readonly peak = new Map<Figure | 'resident_mb', number>();
  readonly #work: Promise<void>;
  #stopping = false;

  constructor(member: Member) {
    this.#work = this.#watch(member);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#work;
  }

  async #watch(member: Member): Promise<void> {
    while (!this.#stopping && member.running) {
      // A member that is busy answers the next time.
      const seen = await figures(member).catch(() => new Map<Figure, number>());
      for (const [name, value] of [...seen, ['resident_mb', residentMb(member.pid)] as const]) {
        this.peak.set(name, Math.max(this.peak.get(name) ?? 0, value));
      }
      await setTimeout(50);
    }
  }
}

/** Writes large marks, more than can be taken; counts what comes of them. */
class Flood {
  readonly outcomes = new Map<string, number>();
  readonly #work: Promise<void>[];
  #next = 0;
  #stopping = false;

  private constructor(streams: readonly CommandStream[]) {
    this.#work = streams.flatMap((stream) => Array.from({ length: PER_STREAM }, () => this.#write(stream)));
  }

  static async on(fleet: Fleet, member: Member, streams: number): Promise<Flood> {
    const client = fleet.operators(member);
    return new Flood(await Promise.all(Array.from({ length: streams }, () => client.openCommandStream())));
  }

  get writtenBytes(): number {
    return (this.outcomes.get('done') ?? 0) * MARK_BYTES;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#work);
  }

  async #write(stream: CommandStream): Promise<void> {
    while (!this.#stopping) {
      this.#next += 1;
      const outcome = await outcomeOf(stream.writeMark(largeMark(this.#next)));
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      if (outcome !== 'done') await setTimeout(50);
    }
  }
}

function largeMark(sequence: number) {
  return { drillId: 'flood', sequence: BigInt(sequence), padding: 'x'.repeat(MARK_BYTES) };
}

function outcomeOf(written: Promise<unknown>): Promise<string> {
  return written.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
}

test('floods and members that stand still cost a member no more memory than its limits, and it goes on', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('6s') });
  const leader = await fleet.leader();
  const [late, other] = fleet.members.filter((member) => member !== leader) as [Member, Member];
  const watch = new Watch(leader);
  const flood = await Flood.on(fleet, leader, STREAMS);
  // They stand still, with open connections: nothing is committed any more, and nothing is read.
  late.pause();
  other.pause();
  await waitFor(() => flood.outcomes.has('CELL_E_OVERLOADED'), { what: 'a stream to be refused', pollMs: 20 });
  const { drills } = fleet.operators(leader);
  const called = () => outcomeOf(drills.writeMark(largeMark(0), { timeoutMs: 1_000 }));
  await waitFor(async () => (await called()) === 'CELL_E_OVERLOADED', { what: 'a call to be refused', pollMs: 20 });
  other.resume();
  await flood.stop();
  const more = await Flood.on(fleet, await fleet.leader(), 1);
  const written = () => flood.writtenBytes + more.writtenBytes >= WRITTEN_BYTES;
  await waitFor(written, { what: 'large marks to be written', timeoutMs: 120_000 });
  await more.stop();
  const rest = { what: 'the log to be cut behind a snapshot', timeoutMs: 30_000 };
  const leading = await fleet.leader();
  await waitFor(async () => {
    const bytes = (await figures(leading)).get('cell_raft_log_memory_bytes') ?? Number.POSITIVE_INFINITY;
    return bytes <= LOG_BYTES_AT_REST;
  }, rest);
  await watch.stop();
  const peak = Object.fromEntries(watch.peak);
  process.stdout.write(`${JSON.stringify({ peak, outcomes: [...flood.outcomes] })}\n`);
  for (const [name, limit] of Object.entries(LIMITS))
    expect.soft(watch.peak.get(name as Figure), name).toBeLessThanOrEqual(limit);
  expect.soft(watch.peak.get('resident_mb')).toBeLessThan(RESIDENT_MB_MAX);
  late.resume();
  const applied = (await leading.metric('cell_raft_applied_index')) ?? Number.POSITIVE_INFINITY;
  const level = async () => ((await late.metric('cell_raft_applied_index')) ?? 0) >= applied;
  await waitFor(level, { what: 'the late member to have all', timeoutMs: 60_000 });
  expect(late.output()).toContain('Receiving the snapshot');
  await fleet.operators(late).drills.writeMark({ drillId: 'afterwards', sequence: 1n });
}, 240_000);
