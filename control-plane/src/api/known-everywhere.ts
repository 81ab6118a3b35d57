import type { Clock } from '../ports.ts';
import { probeMembers, type StateParts } from './read-state.ts';

const roundsMax = 20;
const pauseMs = 25;
const probeTimeoutMs = 250;

/**
 * Waits until all members that answer have applied what was written at a Raft index, for a second or so at most: what was
 * made at this member may be used at another one next, and members tell strangers nothing that would let them wait.
 */
export async function knownEverywhere(parts: StateParts & { readonly clock: Clock }, index: number): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    const members = await probeMembers(parts, probeTimeoutMs);
    const statuses = members.map(({ status }) => status);
    if (statuses.every((status) => status === undefined || status.appliedIndex >= index)) return;
    await new Promise<void>((resolve) => {
      parts.clock.after(pauseMs, resolve);
    });
  }
}
