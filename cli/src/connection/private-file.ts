/** Files that nobody else on the machine may read. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { CliError } from '../cli-error.ts';

export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_FOLDER_MODE = 0o700;
/** Of group and others: none of these may be set. */
const OTHERS = 0o077;

/** Whole or not at all, with its folders. */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    makeFolder(dirname(path), PRIVATE_FOLDER_MODE);
    // One that a crash left behind may have other rights.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', PRIVATE_FILE_MODE);
    try {
      // Goes on where a disk that is nearly full took a part.
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    const advice = 'HOME or XDG_CONFIG_HOME says where such files go';
    throw new CliError('CELL_E_FILE', `Could not write "${path}": ${writeReasonOf(error)}; ${advice}`, {
      cause: error,
    });
  }
}

/** As text; `what` is for sentences. Throws `CliError` `CELL_E_FILE`. */
export function readSmallFile(path: string, what: string, bytesMax: number): string {
  return readSmallFileBytes(path, what, bytesMax).toString('utf8');
}

/** As `readSmallFile`, byte for byte. */
export function readSmallFileBytes(path: string, what: string, bytesMax: number): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      return readUpTo(file, bytesMax);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new CliError('CELL_E_FILE', `Could not read ${what} "${path}": ${reasonOf(error)}`, { cause: error });
  }
}

/** Also from a pipe, such as a shell's "<(…)". */
function readUpTo(file: number, bytesMax: number): Buffer {
  const bytes = Buffer.alloc(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(file, bytes, length, bytes.length - length, null);
    if (read === 0) return bytes.subarray(0, length);
    length += read;
  }
  throw new Error(`it has more than ${bytesMax} bytes`);
}

/** What to tell the person if others on the machine may read it; undefined if not, or if it is no file or folder. */
export function exposure(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !(found.isFile() || found.isDirectory()) || (found.mode & OTHERS) === 0) return undefined;
  const mode = (found.isFile() ? PRIVATE_FILE_MODE : PRIVATE_FOLDER_MODE).toString(8);
  return `Others on this machine may read "${path}", which says who you are; put it right with: chmod ${mode} ${path}`;
}

/** What is wrong with the folder is wrong here too, and is told already. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made.
  }
}

/** Node says of folders on file systems that take nothing that they are not there. */
function writeReasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'EROFS') return 'its folder is not there and can not be made, or takes no files';
  if (code === 'ENOTDIR' || code === 'EEXIST') return 'what should be a folder on the way to it is a file';
  return code === 'EACCES' ? 'that is not permitted' : message;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  return code === 'EACCES' ? 'that is not permitted' : message;
}
