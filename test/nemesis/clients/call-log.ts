import { appendFileSync } from 'node:fs';
import type { CallRecord, Input } from './operations.ts';

/** Calls that are kept at most; a round that makes more is too long. */
const RECORDS_MAX = 500_000;
/** Lines that are written to the file at once. */
const LINES_PER_WRITE = 200;

/** All calls of all clients, in memory and as lines of JSON in a file. */
export class CallLog {
  readonly records: CallRecord[] = [];
  readonly #file: string;
  #lines: string[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  begin(client: number, member: number, input: Input): CallRecord {
    if (this.records.length >= RECORDS_MAX) throw new Error(`More than ${RECORDS_MAX} calls were made in one round`);
    const invokedAt = performance.now();
    const record = {
      client,
      member,
      input,
      invokedAt,
      returnedAt: Number.POSITIVE_INFINITY,
      output: undefined,
      failure: undefined,
    };
    this.records.push(record);
    return record;
  }

  end(record: CallRecord, answer: Pick<CallRecord, 'output'> | Pick<CallRecord, 'failure'>): void {
    Object.assign(record, answer, { returnedAt: performance.now() });
    this.#lines.push(JSON.stringify(record));
    if (this.#lines.length >= LINES_PER_WRITE) this.flush();
  }

  flush(): void {
    if (this.#lines.length > 0) appendFileSync(this.#file, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
