import { setImmediate } from 'node:timers/promises';
import { replayCommand, violationText } from './report.ts';
import type { Summary } from './run-seeds.ts';
import { simulateFrom } from './run-seeds.ts';

const SHOWN_EVERY_MS = 500;
/** Where nobody looks on, a line now and then is enough. */
const LOGGED_EVERY_MS = 60_000;
/** Signals are heard in between. */
const BREATH_EVERY_MS = 100;

/**
 * Simulates seeds from `from` on as long as `more` says so, or until it is interrupted (Ctrl-C). Shows on stderr how
 * far it is, prints violations as they come and a summary in the end. Gives the exit status: 1 if there were any.
 */
export async function soak(from: number, more: (done: Summary) => boolean): Promise<number> {
  const start = { ms: performance.now(), cpu: process.cpuUsage() };
  const show = progress(from);
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
  };
  process.once('SIGINT', interrupt);
  let breathMs = start.ms;
  let last: Summary | undefined;
  for (const done of simulateFrom(from)) {
    const found = done.violations.at(-1);
    if (found !== undefined && found !== last?.violations.at(-1)) console.log(`${violationText(found)}\n`);
    last = done;
    show(done);
    if (performance.now() - breathMs > BREATH_EVERY_MS) {
      await setImmediate();
      breathMs = performance.now();
    }
    if (interrupted || !more(done)) break;
  }
  process.off('SIGINT', interrupt);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (last === undefined) return 0;
  console.log(summaryText(from, last, start));
  if (interrupted) console.log(`Interrupted; to go on: npm run sim -- --minutes 10 --from ${from + last.seeds}`);
  for (const { scenario } of last.violations) console.log(`Replay: ${replayCommand(scenario.seed)}`);
  return last.violations.length > 0 ? 1 : 0;
}

function progress(from: number): (done: Summary) => void {
  const everyMs = process.stderr.isTTY ? SHOWN_EVERY_MS : LOGGED_EVERY_MS;
  let shownMs = performance.now();
  return ({ seeds, violations }) => {
    if (performance.now() - shownMs < everyMs) return;
    shownMs = performance.now();
    const text = `${seeds} seeds from ${from}, ${violations.length} violations`;
    process.stderr.write(process.stderr.isTTY ? `\r${text} ` : `${text}\n`);
  };
}

function summaryText(
  from: number,
  { seeds, violations, elapsedMs, terms, committed, operations, undecided }: Summary,
  start: { readonly ms: number; readonly cpu: NodeJS.CpuUsage },
): string {
  const { user, system } = process.cpuUsage(start.cpu);
  const perSeedMs = ((user + system) / 1000 / Math.max(1, seeds)).toFixed(1);
  const hard = undecided > 0 ? `, ${undecided} histories too hard to judge` : '';
  return (
    `${seeds} seeds from ${from}: ${violations.length} violations; ${(elapsedMs / 1000).toFixed(0)} virtual seconds, ` +
    `${terms} terms, ${committed} entries, ${operations} operations${hard}; ` +
    `${((performance.now() - start.ms) / 1000).toFixed(1)} s, ${perSeedMs} ms of processor per seed`
  );
}
