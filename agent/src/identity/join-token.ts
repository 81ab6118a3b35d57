import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { IdentityError, parseToken, type Token } from '@cell/identity';
import { AgentError } from '../agent-error.ts';

/** Where a token to join with may come from; both undefined: from nowhere. */
export interface JoinTokenSource {
  readonly joinToken: string | undefined;
  /** Where `joinToken` is written, for people: 'the setting "join_token"'. */
  readonly joinTokenPlace: string;
  /** Read each time anew, so that another token counts at once. */
  readonly joinTokenFile: string | undefined;
}

export interface JoinToken {
  readonly text: string;
  readonly parts: Token;
  /** Where it is from, for people: 'the file "/etc/cell/join-token"'. */
  readonly place: string;
  /** What its owner should know: a sentence, or empty. */
  readonly warning: string;
}

const FILE_BYTES_MAX = 4_096;
const READABLE_BY_OTHERS = 0o004;
const HOW = 'make one with "cellctl token create --role agent"';

/**
 * The token of this machine. Rejects with `AgentError` `CELL_E_NOT_JOINED` if there is none, and with `IdentityError`
 * `CELL_E_TOKEN_MALFORMED`; both say where it is from and what to do, and never the text.
 */
export async function readJoinToken(source: JoinTokenSource): Promise<JoinToken> {
  const { joinToken, joinTokenPlace, joinTokenFile } = source;
  if (joinTokenFile === undefined) {
    if (joinToken !== undefined) return parsed(joinToken, joinTokenPlace, '');
    const what = `It needs a token: ${HOW}, put it into a file and name that as "join_token_file"`;
    throw new AgentError('CELL_E_NOT_JOINED', `This machine has not joined a fleet. ${what}`);
  }
  const { text, mode } = await readTokenFile(joinTokenFile);
  if (text.trim() === '') throw missing(joinTokenFile, 'is empty');
  const warning =
    (mode & READABLE_BY_OTHERS) === 0
      ? ''
      : `Every user of this machine can read the token in "${joinTokenFile}"; run "chmod 600 ${joinTokenFile}"`;
  return parsed(text, `the file "${joinTokenFile}"`, warning);
}

function parsed(text: string, place: string, warning: string): JoinToken {
  try {
    return { text: text.trim(), parts: parseToken(text, 'join'), place, warning };
  } catch (error) {
    const { code, message } = error as IdentityError;
    throw new IdentityError(code, `This machine can't join with the token from ${place}: ${message}`, { cause: error });
  }
}

/** False, too, if it is not there. */
export function isReadableByAll(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & READABLE_BY_OTHERS) !== 0;
}

async function readTokenFile(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES_MAX), 0, FILE_BYTES_MAX, 0);
      return { text: buffer.toString('utf8', 0, bytesRead), mode };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw missing(path, code === 'ENOENT' ? 'is not there' : `can't be read (${message})`, error);
  }
}

function missing(path: string, what: string, cause?: unknown): AgentError {
  const message = `This machine has not joined a fleet. The file "${path}" with its token ${what}: ${HOW}, and put it there`;
  return new AgentError('CELL_E_NOT_JOINED', message, { cause });
}
