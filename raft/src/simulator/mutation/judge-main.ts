/**
 * The process in which one fault is planted and judged: `node judge-main.ts SEEDS FAULT|none [TRANSCRIPTS]`. The source
 * is changed as Node loads it; the files stay as they are. Prints one JSON object a line, see `JudgeLine`.
 */
import { readFileSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findTranscripts } from '../../conformance/find-transcripts.ts';
import type * as Conformance from '../../conformance/run-transcript.ts';
import type * as Simulator from '../index.ts';
import { faultNamed } from './all-planted-faults.ts';
import type { PlantedFault } from './planted-fault.ts';
import { filesOf, plant } from './planted-fault.ts';

/** What the process says. A seed is named before it begins, if a while has passed since the last line. */
export type JudgeLine =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'transcripts'; readonly count: number; readonly failed: readonly string[] }
  | { readonly kind: 'seed'; readonly seed: number }
  | { readonly kind: 'violation'; readonly seed: number; readonly property: string; readonly message: string }
  | { readonly kind: 'survived'; readonly seeds: number };

const SAY_EVERY_MS = 250;
const SOURCES = resolve(import.meta.dirname, '../..');

function say(line: JudgeLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function plantAsLoaded(fault: PlantedFault): void {
  const files = new Map(filesOf(fault).map((file) => [pathToFileURL(resolve(SOURCES, file)).href, file]));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = files.get(url);
      return file === undefined
        ? loaded
        : { ...loaded, source: plant(fault, file, readFileSync(fileURLToPath(url), 'utf8')) };
    },
  });
}

function judgeByTranscripts(runTranscript: typeof Conformance.runTranscript, directory: string): void {
  const paths = findTranscripts(directory);
  const passes = (path: string): boolean => {
    try {
      return runTranscript(readFileSync(path, 'utf8')).differences.length === 0;
    } catch {
      return false;
    }
  };
  const failed = paths.filter((path) => !passes(path)).map((path) => relative(directory, path));
  say({ kind: 'transcripts', count: paths.length, failed });
}

function judgeBySimulation({ makeScenario, simulate }: typeof Simulator, seeds: number): void {
  let saidMs = performance.now();
  for (let seed = 1; seed <= seeds; seed++) {
    if (performance.now() - saidMs > SAY_EVERY_MS) {
      saidMs = performance.now();
      say({ kind: 'seed', seed });
    }
    const violation = violationOf(() => simulate(makeScenario(seed)).violation);
    if (violation === undefined) continue;
    const { property, message } = violation;
    say({ kind: 'violation', seed, property, message });
    return;
  }
  say({ kind: 'survived', seeds });
}

/** An error that nobody foresaw ends a simulation too. */
function violationOf<T>(run: () => T): T | { readonly property: string; readonly message: string } {
  try {
    return run();
  } catch (error) {
    return { property: 'crash', message: error instanceof Error ? error.message : String(error) };
  }
}

const [seeds, name, transcripts] = process.argv.slice(2);
if (name !== undefined && name !== 'none') plantAsLoaded(faultNamed(name));
// Only now, so that the core is loaded with the fault in it.
const conformance = await import('../../conformance/run-transcript.ts');
const simulator = await import('../index.ts');
say({ kind: 'loaded' });
if (transcripts !== undefined) judgeByTranscripts(conformance.runTranscript, transcripts);
judgeBySimulation(simulator, Number(seeds));
