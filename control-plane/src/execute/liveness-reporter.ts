/**
 * Runs on every member: once a second, tells the leader in one message which agents were heard here; once the leader
 * has confirmed it, their leases are renewed. New sessions don't wait that long: their agents may have spent most of
 * their lease on finding a member that answers.
 */
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus, Peers, SeenNode, UnconfirmedNodes } from '../ports.ts';
import type { HeardNode, HeardSessions } from './heard-sessions.ts';

export interface LivenessReporterParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessions: HeardSessions;
  /** Takes note if this member is the leader; gives back what it does not confirm. */
  readonly reportedHere: (seen: readonly SeenNode[]) => UnconfirmedNodes;
}

const periodMs = 1_000;
const newsPeriodMs = 250;
const timeoutMs = 2_000;

/** Returns how to stop. */
export function startLivenessReporter(parts: LivenessReporterParts): () => void {
  const confirmed = new Map<string, HeardNode>();
  let reporting = false;
  let reportedMs = parts.clock.monotonicMs();
  return parts.clock.every(newsPeriodMs, () => {
    const nowMs = parts.clock.monotonicMs();
    if (reporting || (nowMs - reportedMs < periodMs && !parts.sessions.takeNews())) return;
    reporting = true;
    reportedMs = nowMs;
    report(parts, confirmed)
      .catch((error: unknown) => parts.log.debug({ err: error }, 'The leader did not confirm heartbeats'))
      .finally(() => {
        reporting = false;
      });
  });
}

async function report(parts: LivenessReporterParts, confirmed: Map<string, HeardNode>): Promise<void> {
  const { consensus, peers, sessions } = parts;
  const heard = [...sessions.heard()];
  forgetGone(confirmed, heard);
  const fresh = heard.filter((node) => {
    const last = confirmed.get(node.nodeId);
    return last === undefined || last.session !== node.session || last.sequence < node.sequence;
  });
  if (fresh.length === 0) return;
  const { leaderId, leading, term } = consensus.leadership;
  if (leaderId === 0) return;
  const unconfirmed = new Set(
    leading
      ? parts.reportedHere(fresh)
      : await whileNoOtherLeads(parts, peers.reportLiveness(leaderId, fresh, timeoutMs)),
  );
  if (unconfirmed.size === fresh.length) return;
  // A lease may only run on where the loss of the node, if the leader has decided it before it confirmed, is known
  // here: then what replaced its allocations is pushed before the renewal, or there is no renewal.
  await consensus.readBarrier(timeoutMs);
  // Another leader meanwhile: what confirmed may have been replaced before it did.
  if (consensus.leadership.term !== term) return;
  const renewable = fresh.filter(
    ({ nodeId }) => !unconfirmed.has(nodeId) && consensus.state.nodes.get(nodeId)?.status === 'ready',
  );
  for (const node of renewable) confirmed.set(node.nodeId, node);
  sessions.renewLeases(renewable);
}

/** One that stands still must not keep us from telling the one that leads in its place. */
async function whileNoOtherLeads<T>({ consensus }: LivenessReporterParts, answer: Promise<T>): Promise<T> {
  const { term } = consensus.leadership;
  const { promise: replaced, reject } = Promise.withResolvers<never>();
  const unlisten = consensus.onLeadership((now) => {
    if (now.leaderId === 0 || now.term === term) return;
    reject(new CellError('CELL_E_NOT_LEADER', `Member ${now.leaderId} leads now`));
  });
  try {
    return await Promise.race([answer, replaced]);
  } finally {
    unlisten();
  }
}

function forgetGone(confirmed: Map<string, HeardNode>, heard: readonly HeardNode[]): void {
  if (confirmed.size === 0) return;
  const here = new Set(heard.map((node) => node.nodeId));
  for (const nodeId of confirmed.keys()) if (!here.has(nodeId)) confirmed.delete(nodeId);
}
