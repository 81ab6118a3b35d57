/**
 * Feeds readers with bad input for longer than tests do: `npm run fuzz -- [TARGET…] [--seconds N] [--seed TEXT]`, or
 * `npm run fuzz -- TARGET --input FILE` for one input again. Each target has a process of its own with little memory.
 * Findings are written to files; the exit status is 1 if there are any.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Finding, fuzz, judge } from './fuzz.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { allTargets } from './targets/all-targets.ts';

const HEAP_MIB_MAX = 256;
const SECONDS_DEFAULT = 10;
/** Of processor time, for at most 64 KiB. */
const INPUT_MS_MAX = 250;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: String(SECONDS_DEFAULT) },
    seed: { type: 'string', default: String(Date.now()) },
    input: { type: 'string' },
    /** In the process of one target. */
    inside: { type: 'boolean', default: false },
  },
});

function chosen(): readonly FuzzTarget[] {
  const unknown = positionals.filter((name) => !allTargets.some((target) => target.name === name));
  if (unknown.length > 0) {
    const names = allTargets.map(({ name }) => name).join(', ');
    throw new Error(`There is no target "${unknown.join('", "')}". There are: ${names}`);
  }
  return positionals.length === 0 ? allTargets : allTargets.filter(({ name }) => positionals.includes(name));
}

async function runInside(target: FuzzTarget): Promise<boolean> {
  const { seed } = values;
  const beginMs = performance.now();
  const untilMs = beginMs + Number(values.seconds) * 1000;
  const result = await fuzz(target, { seed, executions: Number.MAX_SAFE_INTEGER, inputMsMax: INPUT_MS_MAX, untilMs });
  const perSecond = Math.round((result.executions / (performance.now() - beginMs)) * 1000);
  const accepted = Math.round((result.accepted / result.executions) * 100);
  const memoryMib = Math.round(process.memoryUsage.rss() / 2 ** 20);
  const figures = `${result.executions} inputs, ${perSecond} a second, ${accepted} % read, ${memoryMib} MiB`;
  process.stdout.write(`${target.name}: ${figures}\n`);
  if (result.finding !== undefined) tell(result.finding);
  return result.finding === undefined;
}

function tell({ target, input, why }: Finding): void {
  const file = join(mkdtempSync(join(tmpdir(), 'cell-finding-')), target);
  writeFileSync(file, input);
  process.stdout.write(`FOUND in ${target}, seed "${values.seed}": ${why}\n`);
  process.stdout.write(`Again: npm run fuzz -- ${target} --input ${file}\n`);
}

async function readOnce(target: FuzzTarget, file: string): Promise<boolean> {
  const { why, wasAccepted } = await judge(target, readFileSync(file), INPUT_MS_MAX);
  process.stdout.write(`${why ?? (wasAccepted ? 'Read' : 'Refused as it should be')}\n`);
  return why === undefined;
}

function runOutside(target: FuzzTarget): boolean {
  const own = [import.meta.filename, target.name, '--inside', '--seconds', values.seconds, '--seed', values.seed];
  const { status, signal } = spawnSync(process.execPath, [`--max-old-space-size=${HEAP_MIB_MAX}`, ...own], {
    stdio: 'inherit',
  });
  if (status !== 0 && status !== 1) process.stdout.write(`FOUND in ${target.name}: ended by ${signal ?? status}\n`);
  return status === 0;
}

let sound = true;
for (const target of chosen()) {
  if (values.input !== undefined) sound = (await readOnce(target, values.input)) && sound;
  else if (values.inside) sound = (await runInside(target)) && sound;
  else sound = runOutside(target) && sound;
}
process.exit(sound ? 0 : 1);
