import { join } from 'node:path';
import { Random } from '@cell/raft/simulator';
import { fakeClockLibrary } from '../../cluster/harness/fake-clock.ts';
import { FleetIdentity } from '../../cluster/harness/fleet-identity.ts';
import { CallLog } from '../clients/call-log.ts';
import { RunningClients } from '../clients/run-clients.ts';
import type { FaultKind } from '../faults/fault.ts';
import { planFaults } from '../faults/plan-faults.ts';
import { DataDisk } from '../fleet/data-disk.ts';
import { NemesisFleet } from '../fleet/nemesis-fleet.ts';
import { CLUSTER } from '../fleet/nemesis-member.ts';
import { judgeHistory } from '../judge/judge-history.ts';
import { longestUnavailableMs } from '../judge/longest-unavailable.ts';
import { Links } from '../network/links.ts';
import type { Network } from '../network/namespaces.ts';
import type { RoundReport } from './round-report.ts';
import { runFaults } from './run-faults.ts';
import { readAll, waitUntilAgreed, waitUntilBack } from './settle.ts';

export interface RoundParts {
  readonly seed: number;
  readonly durationMs: number;
  readonly clients: number;
  readonly kinds: readonly FaultKind[];
  readonly network: Network;
  /** Members at the beginning. */
  readonly founders: number;
  /** For all that the round leaves behind. */
  readonly folder: string;
  readonly say: (text: string) => void;
}

/** Name of the file with all calls, in the round's folder. */
export const HISTORY_FILE = 'history.jsonl';

/** A fleet, faults and clients, until the time is over; then it is judged. Works within the hub's namespace. */
export async function runRound(parts: RoundParts): Promise<RoundReport> {
  const { seed, durationMs, kinds, network, folder, say } = parts;
  const planned = planFaults(seed, durationMs, kinds);
  for (const { kind, atMs, forMs } of planned) say(`plan: ${kind} at ${atMs} ms for ${forMs} ms`);
  const problems: string[] = [];
  const fleet = new NemesisFleet({
    folder,
    network,
    founders: parts.founders,
    mount: kinds.includes('disk') ? (data) => DataDisk.mount(data) : undefined,
    clockLibrary: kinds.includes('clock') ? fakeClockLibrary() : undefined,
    identity: await FleetIdentity.make(folder, CLUSTER),
    onUnexpectedEnd: (member, words) =>
      problems.push(`Member ${member.id} ended by itself: ${words || 'said nothing'}`),
  });
  const log = new CallLog(join(folder, HISTORY_FILE));
  try {
    await fleet.start();
    const random = (client: number) => new Random(seed, client);
    const clients = new RunningClients({ fleet, count: parts.clients, log, random });
    const stage = { fleet, links: new Links(network) };
    const faults = await runFaults({ stage, planned, durationMs, say });
    await clients.stop();
    const backMs = await settle(fleet, log, problems);
    log.flush();
    say('judging');
    const { violations, undecided, operations } = judgeHistory(log.records);
    return {
      seed,
      problems: [...problems, ...violations],
      undecided,
      operations,
      faults: Object.fromEntries(faults),
      longestUnavailableMs: longestUnavailableMs(log.records),
      backMs,
    };
  } finally {
    await fleet.stop();
  }
}

async function settle(fleet: NemesisFleet, log: CallLog, problems: string[]): Promise<number | undefined> {
  try {
    const backMs = await waitUntilBack(fleet);
    await readAll(fleet, log);
    await waitUntilAgreed(fleet);
    return backMs;
  } catch (error) {
    const { message, cause } = error as Error;
    problems.push(cause instanceof Error ? `${message}: ${cause.message}` : message);
    return undefined;
  }
}
