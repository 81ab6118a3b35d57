import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../agent-error.ts';

const FORMAT = 1;
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Replaces a file in one step: after a crash at any moment it holds the old content or the new one. With `synced`
 * (the default) also after a loss of power.
 */
export async function writeStored(path: string, content: unknown, { synced = true } = {}): Promise<void> {
  const body = JSON.stringify(content);
  const text = `${JSON.stringify({ format: FORMAT, checksum: checksumOf(body) }).slice(0, -1)},"content":${body}}\n`;
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    if (synced) await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  if (synced) await syncFolder(dirname(path));
}

/** Undefined if there is no such file. Rejects with `CELL_E_STATE_DAMAGED` if it doesn't hold what was written. */
export async function readStored(path: string, advice: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (text.length > FILE_BYTES_MAX) throw damaged(path, `it is longer than ${FILE_BYTES_MAX} bytes`, advice);
  const content = parse(text, path, advice);
  if (content.format !== FORMAT) throw damaged(path, `its format "${String(content.format)}" is not known`, advice);
  if (content.checksum !== content.own) {
    throw damaged(path, 'its checksum does not fit its content', advice);
  }
  return content.content;
}

export async function removeStored(path: string): Promise<void> {
  await rm(path, { force: true });
}

interface Parsed {
  readonly format: unknown;
  readonly checksum: unknown;
  readonly content: unknown;
  /** The checksum that fits the content. */
  readonly own: string;
}

function parse(text: string, path: string, advice: string): Parsed {
  try {
    const found = JSON.parse(text) as Partial<Parsed> | null;
    if (typeof found === 'object' && found !== null) {
      const { format = 0, checksum = '', content = null } = found;
      // Text can be nested more deeply than it can be written again.
      return { format, checksum, content, own: checksumOf(JSON.stringify(content)) };
    }
  } catch {
    // Said below.
  }
  throw damaged(path, text === '' ? 'it is empty' : 'it is cut off or was changed', advice);
}

function damaged(path: string, what: string, advice: string): AgentError {
  return new AgentError('CELL_E_STATE_DAMAGED', `Could not use the file "${path}": ${what}; ${advice}`);
}

function checksumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
