/** A command in an allocation: what is asked for is checked here, and carried out by the allocation's agent. */
import type { ExecInput, ExecOutput, ExecStart } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import { type AllocationRow, isFinal } from '../model/entities.ts';
import type { ExecMessage } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';
import type { AgentExecs } from './agent-execs.ts';
import { type AgentParts, fromAnywhere, sessionHere } from './find-agent.ts';

export interface ExecParts extends AgentParts {
  readonly agentExecs: AgentExecs;
}

/** What was asked for, in two parts. */
export interface ExecAsked {
  readonly start: ExecStart;
  readonly input: AsyncIterable<ExecInput>;
}

const wordsMax = 1_000;
const commandBytesMax = 64 * 1024;
/** Of one message of input: a few are kept on each machine on the way. */
const inputBytesMax = 256 * 1024;
const terminalSizeMax = 10_000;

/** Reads what to run, the first message. Rejects with `CELL_E_INVALID` and `CELL_E_LIMIT`. */
export async function readStart(messages: AsyncIterator<ExecMessage>): Promise<ExecAsked> {
  const { done, value } = await messages.next();
  const message = done === true ? undefined : value.message;
  if (message?.case !== 'start') throw invalid('The first message must say what to run');
  checkStart(message.value);
  return { start: message.value, input: inputOf(messages) };
}

/** In an allocation whose agent is connected here. Throws `CELL_E_NO_SESSION` if it is not. */
export async function* execHere(
  parts: ExecParts,
  messages: AsyncIterator<ExecMessage>,
  signal: AbortSignal,
): AsyncIterable<ExecOutput | undefined> {
  const { start, input } = await readStart(messages);
  yield* parts.agentExecs.run(sessionHere(parts, start.allocationId), start, input, signal);
}

/** Wherever the agent is connected. `row` is of the allocation that `start` names. */
export function execAnywhere(
  parts: ExecParts,
  row: AllocationRow,
  { start, input }: ExecAsked,
  signal: AbortSignal,
): AsyncIterable<ExecOutput | undefined> {
  checkTarget(parts.consensus.state, row);
  const whole = { ...start, allocationId: row.id };
  return fromAnywhere(parts, row, signal, {
    here: (session) => parts.agentExecs.run(session, whole, input, signal),
    relayed: (member) => parts.peers.relayExec(member, whole, input, signal),
  });
}

/** Until the caller says no more. That alone is no end of the command's input: who is cut off has not said all. */
async function* inputOf(messages: AsyncIterator<ExecMessage>): AsyncIterable<ExecInput> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    const { message } = next.value;
    if (message.case !== 'input') throw invalid('What comes after the first message must be input');
    const { input } = message.value;
    if (input.case === 'data' && input.value.length > inputBytesMax) {
      throw new CellError('CELL_E_LIMIT', `One message has ${input.value.length} bytes of at most ${inputBytesMax}`);
    }
    if (input.case === 'resize') checkSize(input.value);
    yield message.value;
  }
}

function checkStart({ command, terminal }: ExecStart): void {
  const [program] = command;
  if (program === undefined || program === '') throw invalid('The command is missing');
  if (command.some((word) => word.includes('\0'))) throw invalid('No word of a command can have a zero byte');
  const bytes = command.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  if (command.length > wordsMax || bytes > commandBytesMax) {
    const has = `${command.length} words with ${bytes} bytes`;
    throw new CellError(
      'CELL_E_LIMIT',
      `The command has ${has}; at most ${wordsMax} with ${commandBytesMax} can be run`,
    );
  }
  if (terminal !== undefined) checkSize(terminal);
}

function checkSize({ columns, rows }: { readonly columns: number; readonly rows: number }): void {
  if (columns <= terminalSizeMax && rows <= terminalSizeMax) return;
  throw invalid(`A terminal of ${columns} by ${rows} characters is too large`);
}

function checkTarget(state: FleetState, row: AllocationRow): void {
  const which = `Allocation "${row.id}" of job "${row.job}"`;
  if (isFinal(row)) {
    const advice = `"cellctl allocation list --job ${row.job}" shows those that run`;
    throw new CellError('CELL_E_NOT_RUNNING', `${which} is "${row.state}": nothing runs in it any more; ${advice}`);
  }
  const node = state.nodes.get(row.nodeId);
  if (node === undefined || node.inventory.capabilities.includes('exec')) return;
  const runtime = `Node "${node.name}" runs it with the "${node.inventory.runtime}" runtime`;
  throw new CellError('CELL_E_UNSUPPORTED', `${runtime}, which can not run commands in allocations`);
}

function invalid(message: string): CellError {
  return new CellError('CELL_E_INVALID', message);
}
