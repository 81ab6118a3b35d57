import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { JudgeLine } from './judge-main.ts';
import { MutationError } from './planted-fault.ts';
import type { SimulationFinding, Verdict } from './verdict.ts';

/**
 * One seed or the transcripts take milliseconds, and the process speaks a few times a second: after such a silence it
 * is going in circles. How many seeds are run is bounded by their number alone, so that the verdict does not depend
 * on how fast the machine is.
 */
const SILENCE_MS_MAX = 60_000;
/** A fault that makes a member append for ever ends here, as a crash. */
const HEAP_MEBIBYTES_MAX = 768;
const STDERR_CHARACTERS_MAX = 2_000;

export interface SimulationJudge {
  /** The folder of the sources that are judged, this file's own among them. */
  readonly sources: string;
  /** At most so many seeds, from 1 on. */
  readonly seeds: number;
  /** The folder of the transcripts; `undefined` if they are not there. */
  readonly transcripts: string | undefined;
}

/** Judges the fault of this name in a process of its own; `none` judges the core as it is. */
export async function judgeBySimulation(fault: string, judge: SimulationJudge): Promise<Verdict> {
  const { sources, seeds, transcripts } = judge;
  const main = resolve(sources, 'simulator/mutation/judge-main.ts');
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MEBIBYTES_MAX}`, main, String(seeds), fault, ...(transcripts ? [transcripts] : [])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const ended = new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS_MAX);
  });
  let hangs = false;
  const watchdog = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, SILENCE_MS_MAX);
  const lines: JudgeLine[] = [];
  try {
    for await (const line of createInterface(child.stdout)) {
      watchdog.refresh();
      lines.push(JSON.parse(line) as JudgeLine);
    }
    await ended;
  } finally {
    clearTimeout(watchdog);
    process.off('exit', endWithUs);
  }
  return verdictOf(fault, lines, hangs ? 'hang' : 'crash', stderr);
}

/** `otherwise`: what it was if the process did not come to an end by itself. */
function verdictOf(fault: string, lines: readonly JudgeLine[], otherwise: string, stderr: string): Verdict {
  // What does not even load is no fault of the kind that is planted here.
  if (lines[0]?.kind !== 'loaded') throw new MutationError('judge-failed', `Can't judge '${fault}': ${stderr}`);
  let failed: readonly string[] = [];
  let seed = 0;
  let finished = false;
  let simulation: SimulationFinding | undefined;
  for (const line of lines) {
    if (line.kind === 'transcripts') failed = line.failed;
    else if (line.kind === 'seed') seed = line.seed;
    else if (line.kind === 'survived') finished = true;
    else if (line.kind === 'violation') {
      finished = true;
      simulation = { property: line.property, seed: line.seed, message: line.message };
    }
  }
  if (!finished) {
    const why = otherwise === 'hang' ? `Nothing was heard for ${SILENCE_MS_MAX} ms` : stderr;
    simulation = { property: otherwise, seed, message: why };
  }
  return { fault, caught: failed.length > 0 || simulation !== undefined, failed, simulation };
}
