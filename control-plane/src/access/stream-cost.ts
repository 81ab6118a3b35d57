import type { DescMethod } from '@bufbuild/protobuf';
import { AgentService, CommandService, type SessionRequest, type SubmitCommandsRequest } from '@cell/proto';
import type { StreamCost } from './rate-limits.ts';

/** A drill's mark is a few bytes in the log, and nothing follows from it: it costs a tenth of any other message. */
const MARK_COST = 0.1;

/**
 * What a message counts as that comes on a stream of this method: one message. A report of many allocations counts as
 * one for each, since each is written; a change as the call that could ask for it too.
 */
export function streamCost(method: DescMethod, message: unknown): StreamCost {
  if (method === CommandService.method.submitCommands) return commandsCost(message as SubmitCommandsRequest);
  if (method === AgentService.method.session) return sessionCost(message as SessionRequest);
  return { changes: 0, messages: 1 };
}

function commandsCost({ commands }: SubmitCommandsRequest): StreamCost {
  let marks = 0;
  for (const { command } of commands) if (command.case === 'writeMark') marks += 1;
  return { changes: commands.length - marks, messages: Math.max(1, marks) * MARK_COST };
}

function sessionCost({ message }: SessionRequest): StreamCost {
  const reports = message.case === 'hello' || message.case === 'report' ? message.value.allocations.length : 0;
  return { changes: 0, messages: Math.max(1, reports) };
}
