import { execFile } from 'node:child_process';
import { cpSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listAllocations } from '../allocations.ts';
import { ROOT } from '../cellctl.ts';
import { DemoFailure, ensure } from '../demo-failure.ts';
import type { Step } from '../step.ts';
import { makeWave, samplesOf } from '../wave-file.ts';

const TONES_HERTZ = [220, 330, 440, 660];
const SAMPLES_PER_SECOND = 44_100;
const DURATION_SECONDS = 10;
const WAVE_BYTES_MAX = 16 * 1024 * 1024;
const BYTES_PER_MB = 1_000_000;

export const runBatch: Step = {
  name: 'A batch job',
  title: 'four sound files, one allocation each',
  about:
    'Debian\'s "flac" compresses four recordings that the demo has just made. What comes out must decompress to ' +
    'exactly what went in.',
  async run({ fleet, cellctl, narrator }) {
    cpSync(join(ROOT, 'examples/transcode.toml'), join(fleet.folder, 'transcode.toml'));
    cpSync(join(ROOT, 'examples/transcode'), join(fleet.folder, 'transcode'), { recursive: true });
    const sources = makeSources(join(fleet.folder, 'transcode/in'));
    await cellctl.show(['job', 'run', join(fleet.folder, 'transcode.toml'), '--yes', '--timeout', '30s']);
    const instances = await listAllocations(cellctl, 'transcode');
    const complete = instances.filter(({ state, exitCode }) => state === 'complete' && exitCode === 0);
    ensure(complete.length === TONES_HERTZ.length, `${complete.length} of ${TONES_HERTZ.length} are complete`);
    await cellctl.show(['allocation', 'logs', complete[0]!.id]);
    narrator.space();
    const nodes = new Set(complete.map(({ nodeName }) => nodeName)).size;
    const outputs = join(fleet.folder, 'transcode/out');
    const expected = [...sources.keys()].map((name) => `${name}.flac`).sort();
    ensure(readdirSync(outputs).sort().join() === expected.join(), 'The folder "out" has other files than expected');
    let [before, after] = [0, 0];
    for (const [name, wave] of sources) {
      const file = join(outputs, `${name}.flac`);
      await checkFlac(file, wave);
      before += wave.length;
      after += statSync(file).size;
      const sizes = `${megabytes(wave.length)} became ${megabytes(statSync(file).size)}`;
      narrator.checked(`${name}.flac: intact, and every sample is as in ${name}.wav; ${sizes}`);
    }
    return `${sources.size} files on ${nodes} nodes, ${megabytes(before)} → ${megabytes(after)}, every sample equal`;
  },
};

/** Makes the recordings and gives them by name. */
function makeSources(folder: string): ReadonlyMap<string, Buffer> {
  const sources = new Map<string, Buffer>();
  for (const toneHertz of TONES_HERTZ) {
    const sound = { samplesPerSecond: SAMPLES_PER_SECOND, durationSeconds: DURATION_SECONDS, toneHertz };
    const wave = makeWave({ ...sound, seed: toneHertz });
    writeFileSync(join(folder, `tone-${toneHertz}.wav`), wave);
    sources.set(`tone-${toneHertz}`, wave);
  }
  return sources;
}

const run = promisify(execFile);

/** Its own checksums must be right, and what is decoded be what was encoded. */
async function checkFlac(file: string, wave: Buffer): Promise<void> {
  try {
    await run('flac', ['--silent', '--test', file]);
    const options = { encoding: 'buffer', maxBuffer: WAVE_BYTES_MAX } as const;
    const { stdout } = await run('flac', ['--silent', '--decode', '--stdout', file], options);
    ensure(samplesOf(stdout).equals(samplesOf(wave)), `"${file}" has other samples than its source`);
  } catch (error) {
    if (error instanceof DemoFailure) throw error;
    throw new DemoFailure(`"${file}" is not intact: ${(error as Error).message}`, { cause: error });
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / BYTES_PER_MB).toFixed(1)} MB`;
}
