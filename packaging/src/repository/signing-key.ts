import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';
import { runCommand } from '../run-command.ts';

const OWNER = 'Repository of Cell';
const PRIVATE_MODE = 0o600;
const REMOVALS_MAX = 100;
const EVERY_GPG = ['--batch', '--no-tty', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', ''];

/** Signs with one secret key, kept in a key ring that lives as long as this. */
export interface Signer {
  /** The public key, armoured: what machines trust. */
  readonly publicKey: string;
  /** The text with its signature around it, as in InRelease. */
  clearSign(text: string): string;
  /** The armoured signature alone, as in Release.gpg. */
  detachSign(text: string): string;
}

/** Makes a key without passphrase, if the file is not there: only who may read the file can sign. True if made. */
export function ensureKeyFile(file: string): boolean {
  if (existsSync(file)) return false;
  const secret = inKeyRing((gpg) => {
    gpg(['--quick-generate-key', OWNER, 'ed25519', 'sign', 'never']);
    return gpg(['--armor', '--export-secret-keys']);
  });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, secret, { mode: PRIVATE_MODE, flag: 'wx' });
  chmodSync(file, PRIVATE_MODE);
  return true;
}

/** Runs what signs with the key of a file. */
export function withSigner<Result>(file: string, use: (signer: Signer) => Result): Result {
  const secret = readFileSync(file, 'utf8');
  return inKeyRing((gpg) => {
    gpg(['--import'], secret);
    if (!gpg(['--list-secret-keys', '--with-colons']).includes('\nfpr:')) {
      throw new PackagingError(
        `Cannot find a secret key in "${file}"; give what "gpg --armor --export-secret-keys" wrote`,
      );
    }
    return use({
      publicKey: gpg(['--armor', '--export']),
      clearSign: (text) => gpg(['--digest-algo', 'SHA512', '--clear-sign'], text),
      detachSign: (text) => gpg(['--digest-algo', 'SHA512', '--armor', '--detach-sign'], text),
    });
  });
}

type Gpg = (parameters: readonly string[], input?: string) => string;

/** A key ring of its own, without which the person's own keys and settings would count. */
function inKeyRing<Result>(use: (gpg: Gpg) => Result): Result {
  const home = mkdtempSync(join(tmpdir(), 'cell-gpg-'));
  const environment = { PATH: process.env['PATH'], GNUPGHOME: home, LC_ALL: 'C.UTF-8' };
  try {
    return use((parameters, input) =>
      runCommand('gpg', [...EVERY_GPG, ...parameters], { environment, input: input ?? '' }),
    );
  } finally {
    // Ends the agent that gpg started in the background.
    runCommand('gpgconf', ['--kill', 'all'], { environment });
    removeKeyRing(home);
  }
}

/**
 * Until it is gone, as it has the secret key: the agent removes its sockets while it ends, and a removal that meets a file
 * which has just vanished stops there, without a word.
 */
function removeKeyRing(home: string): void {
  for (let tries = 0; tries < REMOVALS_MAX && existsSync(home); tries += 1)
    rmSync(home, { recursive: true, force: true });
  if (existsSync(home)) throw new PackagingError(`Cannot remove "${home}", which has the secret key; remove it`);
}
