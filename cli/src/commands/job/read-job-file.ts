import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JobSpec } from '@cell/job';
import { JOB_FILE_BYTES_MAX, parseJobFile } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import type { World } from '../../world.ts';

/** The specification in a job file, or on standard input for "-". Throws `CliError` with every problem of the file. */
export async function readJobFile(world: World, file: string): Promise<JobSpec> {
  const name = file === '-' ? file : resolve(world.currentFolder, file);
  const text = file === '-' ? await world.input.readAll(JOB_FILE_BYTES_MAX) : readText(name, file);
  const parsed = parseJobFile(text, name);
  if ('spec' in parsed) return parsed.spec;
  const lines = parsed.problems.map((problem) => problem.text);
  if (lines.length === 1) throw new CliError('CELL_E_JOB_FILE', lines[0] as string);
  const title = `Job file "${file}" has ${lines.length} problems`;
  throw new CliError('CELL_E_JOB_FILE', [title, ...lines.map((line) => `  ${line}`)].join('\n'));
}

function readText(path: string, file: string): string {
  try {
    const bytes = statSync(path).size;
    if (bytes > JOB_FILE_BYTES_MAX) throw new Error(`it has ${bytes} bytes of at most ${JOB_FILE_BYTES_MAX}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError('CELL_E_FILE', `Could not read the job file "${file}": ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  return code === 'EACCES' ? 'reading it is not permitted' : message;
}
