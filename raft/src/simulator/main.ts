/**
 * Simulates clusters under faults, each from a seed:
 *
 *   npm run sim -- --seed N [--trace]          one seed; with all that happens
 *   npm run sim -- --seeds COUNT [--from N]    so many, from N (default 1) on
 *   npm run sim -- --minutes M [--from N]      as many as time allows, from N (default: drawn at random) on
 *
 * Exits with 1 if a property does not hold, and says how to replay it. Ctrl-C ends it early, and it says how far it came.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { eventText, scenarioText, violationText } from './report.ts';
import { makeScenario } from './scenario.ts';
import { simulate } from './simulate.ts';
import { soak } from './soak.ts';

const USAGE = 'Usage: npm run sim -- --seed N [--trace] | --seeds COUNT [--from N] | --minutes M [--from N]';
const SEED_LIMIT = 2 ** 47;

async function main(): Promise<number> {
  try {
    const { seed, trace, seeds, from, minutes } = readArguments();
    if (seed !== undefined) return runOne(seed, trace);
    if (seeds !== undefined) return await soak(from ?? 1, ({ seeds: done }) => done < seeds);
    if (minutes === undefined) throw new RangeError('Nothing is to be simulated');
    const endMs = performance.now() + minutes * 60_000;
    return await soak(from ?? randomInt(SEED_LIMIT), () => performance.now() < endMs);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return 1;
  }
}

function readArguments() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { seed: text, trace: { type: 'boolean', default: false }, seeds: text, from: text, minutes: text },
  });
  return {
    trace: values.trace,
    seed: wholeNumber('--seed', values.seed),
    seeds: wholeNumber('--seeds', values.seeds),
    from: wholeNumber('--from', values.from),
    minutes: positiveNumber('--minutes', values.minutes),
  };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new RangeError(`${name} must be a whole number from 0, not '${text}'`);
}

function positiveNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`${name} must be a number above 0, not '${text}'`);
}

function runOne(seed: number, traced: boolean): number {
  const scenario = makeScenario(seed);
  console.log(`Seed ${seed} implies:\n${scenarioText(scenario)}`);
  const outcome = simulate(scenario, traced ? (atMs, text) => console.log(eventText(atMs, text)) : undefined);
  if (outcome.violation !== undefined) {
    console.log(violationText(outcome));
    return 1;
  }
  const { elapsedMs, committed, terms, history } = outcome;
  const seconds = (elapsedMs / 1000).toFixed(1);
  console.log(
    `Seed ${seed}: all holds over ${seconds} virtual seconds, ${terms} terms, ${committed} entries and ` +
      `${history.length} operations of clients${outcome.undecided ? '; its history was too hard to judge' : ''}`,
  );
  return 0;
}

process.exitCode = await main();
