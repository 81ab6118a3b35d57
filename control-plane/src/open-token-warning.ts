import { type Stats, statSync } from 'node:fs';
import type { MemberConfig } from './config/member-config.ts';

const READABLE_BY_ALL = 0o004;
/** Whom the packages run a member as: closing a file of root's would lock it out. */
const OWN_GROUP = 'cell';

/**
 * A sentence if everybody on this machine can read the token to join with, by which one gets the authority's key;
 * empty if not. `configurationFile`: where the configuration was read.
 */
export function openTokenWarning(
  { join_token: token, join_token_file: tokenFile }: Pick<MemberConfig, 'join_token' | 'join_token_file'>,
  configurationFile: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const fromVariable = (environment['CELL_JOIN_TOKEN'] ?? '') !== '';
  const file = token === undefined ? tokenFile : fromVariable ? undefined : configurationFile;
  const found = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
  if (file === undefined || found === undefined || (found.mode & READABLE_BY_ALL) === 0) return '';
  const instead = file === tokenFile ? '' : ', or use "join_token_file"';
  return `Every user of this machine can read the token in "${file}". Say "${closing(file, found)}"${instead}`;
}

function closing(file: string, { uid }: Stats): string {
  return uid === process.getuid?.() ? `chmod 600 ${file}` : `chgrp ${OWN_GROUP} ${file} && chmod 640 ${file}`;
}
