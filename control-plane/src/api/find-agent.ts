/** Finds the member that an allocation's agent is connected to. */
import { CellError } from '../cell-error.ts';
import type { AllocationRow } from '../model/entities.ts';
import type { Consensus, Peers } from '../ports.ts';
import type { AgentSession } from './agent-session.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface AgentParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  readonly sessions: SessionRegistry;
}

/** How to read from an agent, be it connected to this member or to a peer. */
export interface AgentSource<T> {
  readonly here: (session: AgentSession) => AsyncIterable<T>;
  readonly relayed: (member: number) => AsyncIterable<T>;
}

/** Throws `CELL_E_NO_SESSION` if the allocation's agent is not connected here. */
export function sessionHere({ consensus, sessions }: AgentParts, allocationId: string): AgentSession {
  const row = consensus.state.allocations.get(allocationId);
  const session = row === undefined ? undefined : sessions.session(row.nodeId);
  if (session !== undefined) return session;
  const message = `The agent of allocation "${allocationId}" has no session at member ${consensus.memberId}`;
  throw new CellError('CELL_E_NO_SESSION', message);
}

/** From here, or from one of the peers, asked one after the other. */
export async function* fromAnywhere<T>(
  { consensus, peers, sessions }: AgentParts,
  row: AllocationRow,
  signal: AbortSignal,
  source: AgentSource<T>,
): AsyncIterable<T> {
  const session = sessions.session(row.nodeId);
  if (session !== undefined) {
    yield* source.here(session);
    return;
  }
  for (const { id } of peers.members) {
    if (id === consensus.memberId || signal.aborted) continue;
    let begun = false;
    try {
      for await (const part of source.relayed(id)) {
        begun = true;
        yield part;
      }
      return;
    } catch (error) {
      // Once something has come, another member would begin it anew.
      if (begun || !isElsewhere(error)) throw error;
    }
  }
  const node = consensus.state.nodes.get(row.nodeId);
  const where = `node "${node?.name ?? row.nodeId}" (${node?.status ?? 'not known'})`;
  const message = `No member that can be reached has a session with the agent of ${where}; is its agent running?`;
  throw new CellError('CELL_E_NODE_UNREACHABLE', message);
}

function isElsewhere(error: unknown): boolean {
  return error instanceof CellError && ['CELL_E_NO_SESSION', 'CELL_E_PEER_UNREACHABLE'].includes(error.code);
}
