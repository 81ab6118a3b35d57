import { specToProto } from '@cell/job/wire';
import { type CellClient, parseJobFile } from '@cell/sdk';
import type { CallRecord, Input, MarksInput, Output, RegisterInput, Written } from './operations.ts';

/** The environment variable that carries a register's value. */
const VALUE = 'VALUE';

const NEVER_WRITTEN: Written = { value: '', index: 0 };

interface OneCall {
  readonly timeoutMs: number;
  /** What became of it must be known, not repaired. */
  readonly attemptsMax: 1;
}

/** One call, once. Rejects as the client does. */
export function perform(client: CellClient, input: Input, timeoutMs: number): Promise<Output> {
  const once = { timeoutMs, attemptsMax: 1 } as const;
  return input.kind === 'mark' || input.kind === 'marks'
    ? performOnMarks(client, input, once)
    : performOnRegister(client, input, once);
}

async function performOnMarks(client: CellClient, input: MarksInput, once: OneCall): Promise<Output> {
  if (input.kind === 'marks') {
    const { ranges } = await client.drills.listMarks({ drillId: input.drill }, once);
    return { ranges: ranges.map(({ first, last }) => [Number(first), Number(last)] as const) };
  }
  const { index } = await client.drills.writeMark({ drillId: input.drill, sequence: BigInt(input.sequence) }, once);
  return { index: Number(index) };
}

async function performOnRegister(client: CellClient, input: RegisterInput, once: OneCall): Promise<Output> {
  if (input.kind === 'read') return readRegister(client, input.register, once);
  const spec = jobCarrying(input.register, { [VALUE]: input.value });
  const expected = input.kind === 'swap' ? { expectedIndex: BigInt(input.expected.index) } : {};
  try {
    const { index } = await client.jobs.submitJob({ spec, ...expected }, once);
    return { index: Number(index) };
  } catch (error) {
    if (input.kind === 'swap' && codeOf(error) === 'CELL_E_CONFLICT') return { conflict: true };
    throw error;
  }
}

async function readRegister(client: CellClient, register: string, once: OneCall): Promise<Written> {
  try {
    const { job } = await client.jobs.getJob({ name: register }, once);
    return { value: job?.spec?.environment[VALUE] ?? '', index: Number(job?.modifyIndex ?? 0n) };
  } catch (error) {
    if (codeOf(error) === 'CELL_E_NOT_FOUND') return NEVER_WRITTEN;
    throw error;
  }
}

/** Runs on all nodes, of which there are none: nothing but clients changes it. */
export function jobCarrying(name: string, environment: Readonly<Record<string, string>>) {
  const parsing = parseJobFile(`name = "${name}"\ntype = "system"\ncommand = ["true"]\n`, '-');
  if ('problems' in parsing) throw new Error(parsing.problems.map(({ text }) => text).join('\n'));
  return specToProto({ ...parsing.spec, environment });
}

export function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : String(error);
}

/** What a read or a write said of a register, for the next swap. */
export function writtenBy({ input, output }: CallRecord): Written | undefined {
  if (output === undefined || !('index' in output)) return undefined;
  if ('value' in output) return output;
  return 'value' in input ? { value: input.value, index: output.index } : undefined;
}
