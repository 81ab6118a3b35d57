/**
 * Real members behind links of their own, hurt in all ways that are known, while clients work; then the clients'
 * history is judged. See docs/raft-proof.md.
 *
 *   npm run nemesis -- [--seed N] [--minutes M] [--faults kill,pause,…]
 *
 * Progress on standard error, the verdict on standard output. Exits with 1 if something does not hold, with 2 if a
 * history could not be judged in time, with 77 if the machine lacks what it takes.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undoableFaults, whyNoNemesis } from './missing-parts.ts';
import { type NemesisArguments, readNemesisArguments, USAGE } from './nemesis-arguments.ts';
import { removeLeftNetworks } from './network/namespaces.ts';
import { isFine, reportText } from './round/round-report.ts';
import { startRound } from './round/start-round.ts';

const SEED_LIMIT = 2 ** 47;
/** A longer run is made of several rounds, each with a fleet and a history of its own. */
const ROUND_MINUTES_MAX = 2;
/** As automake and others tell that a test was skipped. */
const SKIPPED = 77;
/** Nothing was found, but not all could be judged. */
const UNDECIDED = 2;

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  // Whoever has something to remove does so when the process exits.
  process.on(signal, () => process.exit(128 + number));
}

function readArguments(): NemesisArguments | undefined {
  try {
    return readNemesisArguments(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    process.stderr.write(`CELL_E_USAGE: ${error.message}\n${USAGE}\n`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const wanted = readArguments();
  if (wanted === undefined) return 1;
  const missing = whyNoNemesis();
  if (missing !== undefined) {
    process.stdout.write(`Skipped: ${missing}\n`);
    return SKIPPED;
  }
  removeLeftNetworks();
  removeLeftFolders();
  const undoable = undoableFaults();
  const kinds = wanted.faults.filter((kind) => !undoable.has(kind));
  for (const kind of wanted.faults) {
    if (undoable.has(kind)) process.stdout.write(`Skipped: fault "${kind}" ${undoable.get(kind)}\n`);
  }
  const rounds = Math.ceil(wanted.minutes / ROUND_MINUTES_MAX);
  const durationMs = (wanted.minutes / rounds) * 60_000;
  const { members, clients, keep } = wanted;
  const firstSeed = wanted.seed ?? randomInt(SEED_LIMIT);
  let failed = 0;
  let violated = false;
  for (let round = 0; round < rounds; round += 1) {
    const seed = firstSeed + round;
    const replay = `npm run nemesis -- --seed ${seed} --minutes ${durationMs / 60_000} --faults ${kinds.join(',')} --members ${members} --clients ${clients}`;
    process.stderr.write(`round ${round + 1} of ${rounds}: ${replay}\n`);
    const { report, kept } = await startRound({ seed, durationMs, members, clients, kinds, keep });
    process.stdout.write(report === undefined ? `Seed ${seed}: the round itself failed\n` : `${reportText(report)}\n`);
    if (kept !== undefined) process.stdout.write(`  history and logs: ${kept}\n`);
    if (report !== undefined && isFine(report)) continue;
    failed += 1;
    violated ||= report === undefined || report.problems.length > 0;
    process.stdout.write(`  again: ${replay}\n`);
  }
  if (rounds > 1) process.stdout.write(`${rounds} rounds from seed ${firstSeed}: ${failed} failed\n`);
  if (violated) return 1;
  return failed > 0 ? UNDECIDED : 0;
}

/** What runs left behind that were killed: a folder that should be kept has another name. */
function removeLeftFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^cellnem-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

process.exitCode = await main();
