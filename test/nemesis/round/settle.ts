/** After all is healed: does the fleet come back by itself, agree, and have all that it acknowledged? */
import { createHash } from 'node:crypto';
import { type CellClient, JobSchema, plainMessage } from '@cell/sdk';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { CallLog } from '../clients/call-log.ts';
import type { Input } from '../clients/operations.ts';
import { codeOf, perform } from '../clients/perform.ts';
import { allReads } from '../clients/run-clients.ts';
import type { NemesisFleet } from '../fleet/nemesis-fleet.ts';
import type { NemesisMember } from '../fleet/nemesis-member.ts';

/** A machine with little to spare included: what is asked is that it comes back without anybody's help. */
const BACK_MS_MAX = 40_000;
const CALL_MS_MAX = 5_000;
/** Client number of the reads at the end. */
const LAST_CLIENT = 0;

/** Resolves, with how long it took in milliseconds, once changes are accepted through every member. */
export async function waitUntilBack(fleet: NemesisFleet): Promise<number> {
  const startMs = performance.now();
  await Promise.all(
    fleet.members.map((member) =>
      withClient(fleet, member, async (client) => {
        await waitFor(() => client.drills.writeMark({ drillId: 'back', sequence: 0n }, { attemptsMax: 1 }), {
          what: `member ${member.id} to accept a change after all was healed`,
          timeoutMs: BACK_MS_MAX,
        });
      }),
    ),
  );
  return performance.now() - startMs;
}

/** Has every member read everything, so that the judge sees at the end of the history whether anything is missing. */
export async function readAll(fleet: NemesisFleet, log: CallLog): Promise<void> {
  for (const member of fleet.members) {
    await withClient(fleet, member, async (client) => {
      for (const input of allReads()) {
        await waitFor(() => readOnce(client, member, input, log), {
          what: `member ${member.id} to answer a read`,
          timeoutMs: BACK_MS_MAX,
        });
      }
    });
  }
}

/** Whether it was answered: there may be an election even now. */
async function readOnce(client: CellClient, member: NemesisMember, input: Input, log: CallLog): Promise<boolean> {
  const record = log.begin(LAST_CLIENT, member.id, input);
  try {
    log.end(record, { output: await perform(client, input, CALL_MS_MAX) });
    return true;
  } catch (error) {
    log.end(record, { failure: codeOf(error) });
    return false;
  }
}

/** Resolves once all members have applied the same index; rejects if their states differ then. */
export async function waitUntilAgreed(fleet: NemesisFleet): Promise<void> {
  await waitFor(
    async () => {
      const indexes = await Promise.all(fleet.members.map((member) => member.metric('cell_raft_applied_index')));
      return indexes[0] !== undefined && indexes.every((index) => index === indexes[0]);
    },
    { what: 'all members to have applied the same index', timeoutMs: BACK_MS_MAX },
  );
  const digests = await Promise.all(fleet.members.map((member) => withClient(fleet, member, digestOf)));
  if (new Set(digests).size > 1) {
    const each = digests.map((digest, place) => `member ${place + 1} ${digest.slice(0, 12)}`).join(', ');
    throw new Error(`Members have applied the same index, but their states differ: ${each}`);
  }
}

/** Of all jobs as the member itself has them. */
async function digestOf(client: CellClient): Promise<string> {
  const { jobs } = await client.jobs.listJobs({ stale: true });
  const text = JSON.stringify(jobs.map((job) => plainMessage(JobSchema, job)));
  return createHash('sha256').update(text).digest('hex');
}

async function withClient<T>(
  fleet: NemesisFleet,
  member: NemesisMember,
  work: (client: CellClient) => Promise<T>,
): Promise<T> {
  const client = fleet.operators([member.grpcAddress], CALL_MS_MAX);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
