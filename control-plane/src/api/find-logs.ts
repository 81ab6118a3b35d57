/** Finds the member that an allocation's agent is connected to, and reads its output from there. */
import { CellError } from '../cell-error.ts';
import type { AllocationRow } from '../model/entities.ts';
import type { Consensus, LogChunk, LogRequest, Peers } from '../ports.ts';
import type { AgentLogs } from './agent-logs.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface LogParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  readonly sessions: SessionRegistry;
  readonly agentLogs: AgentLogs;
}

/** Output from an agent that is connected here. Throws `CELL_E_NO_SESSION` if it is not. */
export function logsFromHere(parts: LogParts, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
  const row = parts.consensus.state.allocations.get(request.allocationId);
  const session = row === undefined ? undefined : parts.sessions.session(row.nodeId);
  if (session === undefined) {
    const message = `The agent of allocation "${request.allocationId}" has no session at member ${parts.consensus.memberId}`;
    throw new CellError('CELL_E_NO_SESSION', message);
  }
  return parts.agentLogs.read(session, request, signal);
}

/** Output from wherever the agent is connected: here, or at one of the peers, asked one after the other. */
export async function* logsFromAnywhere(
  parts: LogParts,
  row: AllocationRow,
  request: LogRequest,
  signal: AbortSignal,
): AsyncIterable<LogChunk> {
  const { consensus, peers, sessions } = parts;
  if (sessions.session(row.nodeId) !== undefined) {
    yield* logsFromHere(parts, request, signal);
    return;
  }
  for (const { id } of peers.members) {
    if (id === consensus.memberId || signal.aborted) continue;
    let begun = false;
    try {
      for await (const chunk of peers.relayLogs(id, request, signal)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      // Once some output has come, another member would begin it anew.
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
