import { open } from 'node:fs/promises';
import { IdentityError, parseToken } from '@cell/identity';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';

/** What is read of a token's file at most; a token is far shorter. */
const FILE_BYTES_MAX = 4_096;

/** A token to join with. */
export interface GivenToken {
  readonly text: string;
  /** Where it is from, for people: 'the file "/etc/cell/join-token"'. */
  readonly place: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The token to join with that the configuration or the environment gives; undefined: none. Rejects with `CELL_E_CONFIG`,
 * which says where it is written, if it is none. `environment`: that the configuration was read with.
 */
export async function configuredToken(
  { join_token: token, join_token_file: file }: Pick<MemberConfig, 'join_token' | 'join_token_file'>,
  environment: Environment = process.env,
): Promise<GivenToken | undefined> {
  if (token === undefined) return file === undefined ? undefined : readTokenFile(file);
  const fromVariable = (environment['CELL_JOIN_TOKEN'] ?? '') !== '';
  return checked(token, fromVariable ? 'the variable "CELL_JOIN_TOKEN"' : 'the setting "join_token"');
}

/** `file`: whose text is a token, with white space around it perhaps. Rejects with `CELL_E_CONFIG`. */
export async function readTokenFile(file: string): Promise<GivenToken> {
  return checked(await readText(file), `the file "${file}"`);
}

async function readText(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(FILE_BYTES_MAX), position: 0 });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const message = `Cannot read the token's file "${file}": ${reasonOf(cause)}`;
    throw new CellError('CELL_E_CONFIG', message, { cause });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder' : message;
}

function checked(given: string, place: string): GivenToken {
  try {
    parseToken(given, 'join');
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    const message = `This machine can't join with the token from ${place}: ${cause.message}`;
    throw new CellError('CELL_E_CONFIG', message, { cause });
  }
  return { text: given.trim(), place };
}
