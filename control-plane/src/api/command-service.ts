import { CommandService, type SubmittedCommand } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { EnteredCall } from '../ports.ts';
import { type Answered, CommandStream } from './command-stream.ts';
import { writeMark } from './drill-service.ts';
import { stopJob, submitJob } from './job-service.ts';
import { namespaceOf } from './namespace-view.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

/** One command of a stream gets as long as a call without a deadline of its own. */
const commandTimeoutMs = 10_000;

/** Many changes over one stream, for programs. */
export function registerCommandService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, CommandService, {
    submitCommands: calls.duplex(CommandService.method.submitCommands, (call, { entered }) => {
      const carry = (command: SubmittedCommand) => carryOutNoted(parts, command, entered.part());
      return new CommandStream(call, { carryOut: carry, log: parts.log }).ended;
    }),
  });
}

/** Each command is noted by itself. */
async function carryOutNoted(parts: MadeParts, command: SubmittedCommand, entered: EnteredCall): Promise<Answered> {
  try {
    const answered = await carryOut(parts, command, entered);
    entered.ended('ok');
    return answered;
  } catch (error) {
    entered.ended(error instanceof CellError ? error.code : 'CELL_E_INTERNAL');
    throw error;
  }
}

async function carryOut(parts: MadeParts, { command }: SubmittedCommand, entered: EnteredCall): Promise<Answered> {
  switch (command.case) {
    case 'writeMark':
      if (namespaceOf(entered.caller) !== undefined) {
        throw new CellError('CELL_E_FORBIDDEN', 'The token is limited to a namespace, and marks are of no namespace');
      }
      return { case: 'writeMark', value: await writeMark(parts, command.value, entered, commandTimeoutMs) };
    case 'submitJob':
      return { case: 'submitJob', value: await submitJob(parts, command.value, entered, commandTimeoutMs) };
    case 'stopJob':
      return { case: 'stopJob', value: await stopJob(parts, command.value, entered, commandTimeoutMs) };
    default:
      throw new CellError('CELL_E_INVALID', 'The command is missing, or of a kind that this member does not know');
  }
}
