/**
 * Plants one fault after the other, and says what finds it:
 *
 *   npm run mutants [-- --only TEXT] [--seeds N] [--transcripts DIRECTORY] [--json | --markdown] [--list]
 *
 * `--only` picks faults whose name contains the text. Core faults are judged by the transcripts (where they are) and by
 * simulated clusters from seed 1 on, N at most; those around the core by their tests. The files are never changed.
 * Exits with 1 if less than 95 % are caught, or if a fault no longer fits the source.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_PLANTED_FAULTS } from './all-planted-faults.ts';
import { judgeAll } from './judge-all.ts';
import { MutationError, type PlantedFault } from './planted-fault.ts';
import { markdownTable, summaryText } from './report.ts';
import { withSourceCopy } from './source-copy.ts';
import { type Verdict, verdictText } from './verdict.ts';

const USAGE =
  'Usage: npm run mutants [-- --only TEXT] [--seeds N] [--transcripts DIRECTORY] [--json | --markdown] [--list]';
const SEEDS_DEFAULT = 1_000;
const CAUGHT_SHARE_MIN = 0.95;
const SOURCES = resolve(import.meta.dirname, '../..');
/** Another project's data, so not part of this repository: it lies beside it where it was laid. */
const TRANSCRIPTS = resolve(import.meta.dirname, '../../../../../shared/conformance/raft');

async function main(): Promise<number> {
  const options = readArguments();
  const { only, json, markdown } = options;
  const faults = ALL_PLANTED_FAULTS.filter(({ name }) => name.includes(only));
  if (faults.length === 0) throw new MutationError('unknown-fault', `No planted fault is called '${only}'`);
  if (options.list) {
    for (const { name, breaks } of faults) console.log(`${name}\n    ${breaks}`);
    return 0;
  }
  const transcripts = existsSync(options.transcripts) ? options.transcripts : undefined;
  if (transcripts === undefined) console.error(`Without transcripts: there is no folder '${options.transcripts}'`);
  const width = Math.max(...faults.map(({ name }) => name.length));
  // Of a copy, so that what people write meanwhile does not get mixed into it.
  const verdicts = await withSourceCopy(SOURCES, ({ sources }) =>
    judgeAll(faults, { sources, seeds: options.seeds, transcripts }, (verdict, done) => {
      showProgress(`${done} of ${faults.length}`);
      if (json) console.log(JSON.stringify(verdict));
      else if (!markdown) console.log(`${verdict.fault.padEnd(width)}  ${verdictText(verdict)}`);
    }),
  );
  showProgress('');
  if (markdown) console.log(markdownTable(verdicts));
  const text = summaryText(verdicts);
  if (json) console.error(text);
  else console.log(text);
  return isEnough(faults, verdicts) ? 0 : 1;
}

/** Both kinds on their own: what tests catch makes up for nothing that the simulator misses. */
function isEnough(faults: readonly PlantedFault[], verdicts: readonly Verdict[]): boolean {
  return [true, false].every((simulated) => {
    const names = new Set(faults.filter(({ judge }) => (judge === 'simulation') === simulated).map(({ name }) => name));
    const judged = verdicts.filter(({ fault }) => names.has(fault));
    return judged.filter(({ caught }) => caught).length >= CAUGHT_SHARE_MIN * names.size;
  });
}

function readArguments() {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: String(SEEDS_DEFAULT) },
      transcripts: { type: 'string', default: TRANSCRIPTS },
      json: flag,
      markdown: flag,
      list: flag,
    },
  });
  const seeds = Number(values.seeds);
  if (!Number.isSafeInteger(seeds) || seeds < 1) {
    throw new RangeError(`--seeds must be a whole number from 1, not '${values.seeds}'`);
  }
  return { ...values, seeds };
}

/** On terminals only. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MutationError || error instanceof TypeError || error instanceof RangeError)) throw error;
  console.error(error instanceof MutationError ? error.message : `${error.message}\n${USAGE}`);
  process.exitCode = 1;
}
