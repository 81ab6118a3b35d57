/** Output of an allocation, from the member that its agent is connected to. */
import type { AllocationRow } from '../model/entities.ts';
import type { LogChunk, LogRequest } from '../ports.ts';
import type { AgentLogs } from './agent-logs.ts';
import { type AgentParts, fromAnywhere, sessionHere } from './find-agent.ts';

export interface LogParts extends AgentParts {
  readonly agentLogs: AgentLogs;
}

/** Output from an agent that is connected here. Throws `CELL_E_NO_SESSION` if it is not. */
export function logsFromHere(parts: LogParts, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
  return parts.agentLogs.read(sessionHere(parts, request.allocationId), request, signal);
}

/** Output from wherever the agent is connected. */
export function logsFromAnywhere(
  parts: LogParts,
  row: AllocationRow,
  request: LogRequest,
  signal: AbortSignal,
): AsyncIterable<LogChunk> {
  return fromAnywhere(parts, row, signal, {
    here: (session) => parts.agentLogs.read(session, request, signal),
    relayed: (member) => parts.peers.relayLogs(member, request, signal),
  });
}
