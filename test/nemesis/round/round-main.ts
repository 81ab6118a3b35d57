/**
 * One round, in the hub's namespace: `round-main.ts FOLDER`. It reads what to do from FOLDER/round.json and leaves its
 * report in FOLDER/report.json. It ends with the process that started it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardFolder } from '../../cluster/harness/leftovers.ts';
import { type RoundParts, runRound } from './run-round.ts';

export const ROUND_FILE = 'round.json';
export const REPORT_FILE = 'report.json';

const folder = process.argv[2] ?? '';
guardFolder(folder);
// Nothing is ever sent: it ends when the other side is gone.
process.stdin.on('end', () => process.exit(1)).resume();

const round = JSON.parse(readFileSync(join(folder, ROUND_FILE), 'utf8')) as Omit<RoundParts, 'folder' | 'say'>;
const report = await runRound({ ...round, folder, say: (text) => process.stderr.write(`${text}\n`) });
writeFileSync(join(folder, REPORT_FILE), JSON.stringify(report));
process.exit(0);
