/**
 * Writes man pages and completions below a folder, where a machine has them: node scripts/manual/main.ts --output FOLDER.
 * The pages' date is SOURCE_DATE_EPOCH, else that of the last commit.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readEdition, writeManual } from './write-manual.ts';

const { output } = parseArgs({ options: { output: { type: 'string' } } }).values;
const dateS = Number(process.env['SOURCE_DATE_EPOCH'] ?? lastCommitTime());
if (output === undefined || !Number.isSafeInteger(dateS)) {
  process.stderr.write(
    'Usage: node scripts/manual/main.ts --output FOLDER; SOURCE_DATE_EPOCH is in seconds since 1970\n',
  );
  process.exit(1);
}
writeManual(output, readEdition(dateS));

function lastCommitTime(): string {
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: import.meta.dirname, encoding: 'utf8' });
  return (stdout ?? '').trim() || 'unknown';
}
