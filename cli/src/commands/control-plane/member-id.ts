import { CliError } from '../../cli-error.ts';

/** The Raft id that a person typed. Throws `CliError` `CELL_E_USAGE`. */
export function readMemberId(word: string): bigint {
  if (/^[1-9]\d{0,6}$/u.test(word)) return BigInt(word);
  throw new CliError(
    'CELL_E_USAGE',
    `"${word}" is not the id of a member, which is a number; see "cellctl control-plane status"`,
  );
}
