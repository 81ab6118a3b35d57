import { open } from 'node:fs/promises';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';

/** What is read of a token's file at most; a token is far shorter. */
const FILE_BYTES_MAX = 4_096;

/** The token to join with that the configuration or the environment gives; undefined: none. Rejects with `CELL_E_CONFIG`. */
export async function configuredToken({
  join_token: token,
  join_token_file: file,
}: Pick<MemberConfig, 'join_token' | 'join_token_file'>): Promise<string | undefined> {
  return token ?? (file === undefined ? undefined : readTokenFile(file));
}

/** `file`: whose text is a token, with white space around it perhaps. Rejects with `CELL_E_CONFIG`. */
export async function readTokenFile(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(FILE_BYTES_MAX), position: 0 });
      return buffer.toString('utf8', 0, bytesRead).trim();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const message = `Cannot read the token's file "${file}": ${(cause as Error).message}`;
    throw new CellError('CELL_E_CONFIG', message, { cause });
  }
}
