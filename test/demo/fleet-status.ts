import { waitFor } from '../cluster/harness/wait-for.ts';
import type { Cellctl } from './cellctl.ts';

/** What "cellctl fleet status -o json" tells; only what the demo looks at. */
export interface FleetStatus {
  readonly leaderId: number;
  readonly members: readonly { readonly id: number; readonly reachable: boolean; readonly agentSessions: number }[];
  readonly nodesReady: number;
  readonly nodesLost: number;
  readonly problems: readonly { readonly message: string }[];
}

const STATUS_MS_MAX = 20_000;
const POLL_MS = 250;

/** Waits until all members and nodes are there and nothing is wrong. */
export async function untilAllRight(cellctl: Cellctl, members: number, nodes: number): Promise<FleetStatus> {
  let last = 'it did not answer';
  return waitFor(
    async () => {
      const status = await cellctl.ask<FleetStatus>(['fleet', 'status']);
      last = describe(status);
      const sessions = status.members.reduce((sum, { agentSessions }) => sum + agentSessions, 0);
      const complete = status.members.filter(({ reachable }) => reachable).length === members && status.leaderId !== 0;
      return complete && sessions === nodes && status.nodesReady === nodes && status.problems.length === 0
        ? status
        : undefined;
    },
    {
      get what() {
        return `the fleet to be all right; ${last}`;
      },
      timeoutMs: STATUS_MS_MAX,
      pollMs: POLL_MS,
    },
  );
}

export function describe({ members, leaderId, nodesReady, problems }: FleetStatus): string {
  const leader = leaderId === 0 ? 'no leader' : `member ${leaderId} leads`;
  const wrong = problems.length === 0 ? 'all is right' : problems.map(({ message }) => message).join('; ');
  const reachable = members.filter((member) => member.reachable).length;
  return `${reachable} of ${members.length} members, ${leader}, ${nodesReady} nodes ready, ${wrong}`;
}
