import { CommandService, type SubmittedCommand } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import { type Answered, CommandStream } from './command-stream.ts';
import { writeMark } from './drill-service.ts';
import { stopJob, submitJob } from './job-service.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

/** One command of a stream gets as long as a call without a deadline of its own. */
const commandTimeoutMs = 10_000;

/** Many changes over one stream, for programs. */
export function registerCommandService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, CommandService, {
    submitCommands: calls.duplex(CommandService.method.submitCommands, (call) => {
      return new CommandStream(call, { carryOut: (command) => carryOut(parts, command), log: parts.log }).ended;
    }),
  });
}

async function carryOut(parts: MadeParts, { command }: SubmittedCommand): Promise<Answered> {
  switch (command.case) {
    case 'writeMark':
      return { case: 'writeMark', value: await writeMark(parts, command.value, commandTimeoutMs) };
    case 'submitJob':
      return { case: 'submitJob', value: await submitJob(parts, command.value, commandTimeoutMs) };
    case 'stopJob':
      return { case: 'stopJob', value: await stopJob(parts, command.value, commandTimeoutMs) };
    default:
      throw new CellError('CELL_E_INVALID', 'The command is missing, or of a kind that this member does not know');
  }
}
