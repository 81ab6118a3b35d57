import { randomUUID } from 'node:crypto';
import type { CellClient, CommandStream } from '@cell/sdk';
import { expect, test } from 'vitest';
import { patientMembers } from '../harness/patient-members.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const IN_FLIGHT = 200;
/** What a failover explains. */
const EXPLAINED = ['CELL_E_OUTCOME_UNKNOWN', 'CELL_E_NO_LEADER', 'CELL_E_TIMEOUT', 'CELL_E_CONNECTION_LOST'];

/** Keeps marks under way until it is stopped; each number once. */
class StreamWriter {
  readonly drillId = `stream-${randomUUID().slice(0, 8)}`;
  readonly acknowledged: number[] = [];
  readonly codes = new Set<string>();
  readonly #work: Promise<void>[];
  #next = 0;
  #stopping = false;

  constructor(stream: CommandStream) {
    this.#work = Array.from({ length: IN_FLIGHT }, () => this.#write(stream));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#work);
  }

  async missing(client: CellClient): Promise<number[]> {
    const { ranges } = await client.drills.listMarks({ drillId: this.drillId });
    const there = (mark: number) => ranges.some(({ first, last }) => Number(first) <= mark && mark <= Number(last));
    return this.acknowledged.filter((mark) => !there(mark));
  }

  async #write(stream: CommandStream): Promise<void> {
    while (!this.#stopping) {
      const sequence = this.#next;
      this.#next += 1;
      try {
        await stream.writeMark({ drillId: this.drillId, sequence: BigInt(sequence) });
        this.acknowledged.push(sequence);
      } catch (error) {
        const { code } = error as { code: string };
        this.codes.add(code);
        if (code === 'CELL_E_CONNECTION_LOST') return;
      }
    }
  }
}

function more(writer: StreamWriter, count: number): Promise<true> {
  const goal = writer.acknowledged.length + count;
  return waitFor(() => (writer.acknowledged.length >= goal ? true : undefined), {
    what: `${count} more marks to be acknowledged`,
    timeoutMs: 40_000,
  });
}

test('a stream to a follower outlives the leader, and nothing that it acknowledged is lost', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('2s') });
  const client = fleet.operators(await fleet.follower());
  const stream = await client.openCommandStream();
  const writer = new StreamWriter(stream);
  await more(writer, 1_000);
  await (await fleet.leader()).kill();
  await more(writer, 1_000);
  await writer.stop();
  await stream.close();
  expect(await writer.missing(client)).toEqual([]);
  expect([...writer.codes].filter((code) => !EXPLAINED.includes(code))).toEqual([]);
});

test('a stream whose member dies says so for each command, and another one goes on elsewhere', async () => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('2s') });
  const leader = await fleet.leader();
  const stream = await fleet.operators(leader).openCommandStream();
  const writer = new StreamWriter(stream);
  await more(writer, 1_000);
  await leader.kill();
  // Each has had its answer, and has asked once more; a writer that is stopped before that asks no more.
  await waitFor(() => writer.codes.has('CELL_E_CONNECTION_LOST'), { what: 'the stream to be known to be lost' });
  await writer.stop();
  expect([...writer.codes].sort()).toEqual(['CELL_E_CONNECTION_LOST', 'CELL_E_OUTCOME_UNKNOWN']);
  await stream.close();
  const client = fleet.operators(await fleet.leader());
  const another = new StreamWriter(await client.openCommandStream());
  await more(another, 100);
  await another.stop();
  expect(await writer.missing(client)).toEqual([]);
});
