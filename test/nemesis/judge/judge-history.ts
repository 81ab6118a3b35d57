import {
  checkLinearizability,
  explainViolation,
  type Operation,
  type SequentialModel,
} from '@cell/raft/linearizability';
import { fateOf } from '../clients/fate.ts';
import {
  type CallRecord,
  changes,
  type Input,
  type MarksInput,
  type MarksOutput,
  type Output,
  type RegisterInput,
  type RegisterOutput,
} from '../clients/operations.ts';
import { hasMark, marksModel } from './marks-model.ts';
import { registerModel } from './register-model.ts';

/** For a history with many calls that nobody answered: some seconds of work. */
const STEPS_MAX = 10_000_000;

export interface HistoryJudgement {
  /** One sentence, or some lines, for each thing that may not be. */
  readonly violations: readonly string[];
  /** What could not be decided within the checker's limit. */
  readonly undecided: readonly string[];
  readonly operations: OperationCounts;
}

export interface OperationCounts {
  readonly ok: number;
  /** Changes of which nobody knows whether they happened. */
  readonly open: number;
  /** Known not to have happened, reads without an answer included. */
  readonly refused: number;
}

/** Can the answers to all calls be explained by one order of all that was done, each between its call and its answer? */
export function judgeHistory(records: readonly CallRecord[]): HistoryJudgement {
  const told = records.filter((record) => record.output !== undefined || isOpen(record));
  const verdicts = [
    judge(registerModel, operationsOf<RegisterInput, RegisterOutput>(told, isRegisterCall)),
    judge(marksModel, operationsOf<MarksInput, MarksOutput>(withoutUnseenMarks(told), isMarksCall)),
  ];
  const ok = records.filter((record) => record.output !== undefined).length;
  const open = records.filter(isOpen).length;
  return {
    violations: verdicts.flatMap(({ violation }) => violation ?? []),
    undecided: verdicts.flatMap(({ undecided }) => undecided ?? []),
    operations: { ok, open, refused: records.length - ok - open },
  };
}

/** Reads that failed say nothing; changes that failed may have happened, unless it was said that they did not. */
function isOpen({ input, output, failure }: CallRecord): boolean {
  return output === undefined && changes(input) && (failure === undefined || fateOf(failure) === 'open');
}

function isRegisterCall({ kind }: Input): boolean {
  return kind === 'read' || kind === 'write' || kind === 'swap';
}

function isMarksCall(input: Input): boolean {
  return !isRegisterCall(input);
}

/** The records of one model; its inputs and outputs are the caller's word. */
function operationsOf<I extends Input, O extends Output>(
  records: readonly CallRecord[],
  belongs: (input: Input) => boolean,
): Operation<I, O>[] {
  return records
    .filter(({ input }) => belongs(input))
    .map(({ client, input, output, invokedAt, returnedAt }) => ({
      client,
      input: input as I,
      output: output as O | undefined,
      invokedAt,
      returnedAt: output === undefined ? Number.POSITIVE_INFINITY : returnedAt,
    }));
}

/** A mark without an answer that no read ever shows, may as well never have been written: fewer orders to try. */
function withoutUnseenMarks(records: readonly CallRecord[]): CallRecord[] {
  return records.filter(
    ({ input, output }) =>
      input.kind !== 'mark' || output !== undefined || isSeen(records, input.drill, input.sequence),
  );
}

function isSeen(records: readonly CallRecord[], drill: string, sequence: number): boolean {
  return records.some(
    ({ input, output }) =>
      input.kind === 'marks' &&
      input.drill === drill &&
      output !== undefined &&
      'ranges' in output &&
      hasMark(output.ranges, sequence),
  );
}

function judge<S, I, O>(model: SequentialModel<S, I, O>, operations: readonly Operation<I, O>[]) {
  const found = checkLinearizability(model, operations, { stepsMax: STEPS_MAX });
  if (found.verdict === 'linearizable') return {};
  if (found.verdict === 'violation') return { violation: explainViolation(model, found) };
  return { undecided: `"${found.partition}" is undecided after ${found.steps} steps` };
}
