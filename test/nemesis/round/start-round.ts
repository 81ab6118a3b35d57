/** A round in a process of its own, with everything that it needs made before and removed after. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killBelow } from '../../cluster/harness/leftovers.ts';
import type { FaultKind } from '../faults/fault.ts';
import { hubOf, makeNetwork, ownPrefix, removeNetwork } from '../network/namespaces.ts';
import { isFine, type RoundReport } from './round-report.ts';

export interface RoundSettings {
  readonly seed: number;
  readonly durationMs: number;
  readonly members: number;
  readonly clients: number;
  readonly kinds: readonly FaultKind[];
  /** History and logs stay also if all is well. */
  readonly keep: boolean;
}

export interface RoundEnd {
  /** Undefined if the round itself failed. */
  readonly report: RoundReport | undefined;
  /** The folder of history and logs, if they were to be kept. */
  readonly kept: string | undefined;
}

/** Members that may be added in one round. */
const SPARE_MEMBERS = 4;

const MAIN = join(import.meta.dirname, 'round-main.ts');

/** Nothing of it outlives this process, short of its own death by SIGKILL; then the next run cleans up. */
export async function startRound(settings: RoundSettings): Promise<RoundEnd> {
  const folder = mkdtempSync(join(tmpdir(), ownPrefix()));
  let prefix = '';
  const cleanUp = () => {
    killBelow(folder);
    if (prefix !== '') removeNetwork(prefix);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on('exit', cleanUp);
  try {
    prefix = ownPrefix();
    const { members, keep, ...rest } = settings;
    const spare = settings.kinds.includes('membership') ? SPARE_MEMBERS : 0;
    const network = makeNetwork(members + spare);
    writeFileSync(join(folder, 'round.json'), JSON.stringify({ ...rest, founders: members, network }));
    await runInHub(hubOf(network), folder);
    return endOf(folder, settings.seed, keep);
  } finally {
    cleanUp();
    process.off('exit', cleanUp);
  }
}

function runInHub(hub: string, folder: string): Promise<void> {
  const words = ['ip', 'netns', 'exec', hub, process.execPath, '--disable-warning=ExperimentalWarning', MAIN, folder];
  // Detached, so that Ctrl-C is for this process alone, which then ends the round in order.
  const child = spawn(words[0] as string, words.slice(1), { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  return new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('exit', () => ended());
  });
}

function endOf(folder: string, seed: number, keep: boolean): RoundEnd {
  const file = join(folder, 'report.json');
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RoundReport) : undefined;
  if (report !== undefined && isFine(report) && !keep) {
    return { report, kept: undefined };
  }
  killBelow(folder);
  const kept = join(tmpdir(), `cell-nemesis-seed-${seed}-${process.pid}`);
  rmSync(kept, { recursive: true, force: true });
  renameSync(folder, kept);
  return { report, kept };
}
