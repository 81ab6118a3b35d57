import type { Usage } from '@cell/proto';
import { type AllocationRow, isFinal } from '../model/entities.ts';
import type { AgentParts } from './find-agent.ts';

const relayTimeoutMs = 1_000;

/** What an allocation uses, from wherever its agent is connected; undefined if nobody says so within a second. */
export async function usageFromAnywhere(parts: AgentParts, row: AllocationRow): Promise<Usage | undefined> {
  const { consensus, peers, sessions } = parts;
  if (isFinal(row)) return undefined;
  if (sessions.session(row.nodeId) !== undefined) return sessions.usage(row.nodeId, row.id);
  const others = peers.members.filter(({ id }) => id !== consensus.memberId);
  const asked = others.map(async ({ id }) => {
    const usage = await peers.relayUsage(id, row.id, relayTimeoutMs);
    if (usage === undefined) throw new Error(`Member ${id} does not know it`);
    return usage;
  });
  return Promise.any(asked).catch(() => undefined);
}

/** As this member knows it. */
export function usageFromHere({ consensus, sessions }: AgentParts, allocationId: string): Usage | undefined {
  const row = consensus.state.allocations.get(allocationId);
  return row === undefined || sessions.session(row.nodeId) === undefined
    ? undefined
    : sessions.usage(row.nodeId, row.id);
}
