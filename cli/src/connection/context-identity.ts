/** Who a person is in one context: kept in a folder of its own, for nobody else to read. */
import { X509Certificate } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '@cell/sdk';
import { CliError } from '../cli-error.ts';
import { configurationFolder, type PersonsPlace } from './configuration.ts';
import { CONTEXT_NAME } from './edit-configuration.ts';
import { exposure, readSmallFile, writePrivateFile } from './private-file.ts';

export const TOKEN_BYTES_MAX = 4_096;
const PEM_BYTES_MAX = 256 * 1024;
const FILES = { token: 'token', trust: 'trust.pem', key: 'key.pem', certificate: 'certificate.pem' } as const;

/** Where it is; undefined if the context's name is none for a folder, so that it has none. */
export function identityFolder(place: PersonsPlace, name: string): string | undefined {
  return CONTEXT_NAME.test(name) ? join(configurationFolder(place), 'contexts', name) : undefined;
}

/** Undefined if nobody has logged in. Throws `CliError` `CELL_E_FILE` for what can't be read. */
export function readContextIdentity(folder: string): Identity | undefined {
  const read = (name: string, what: string, bytesMax: number) => {
    const path = join(folder, name);
    return existsSync(path) ? readSmallFile(path, what, bytesMax) : undefined;
  };
  const token = read(FILES.token, 'the token', TOKEN_BYTES_MAX)?.trim();
  const certificate = read(FILES.certificate, 'the certificate', PEM_BYTES_MAX);
  const privateKey = read(FILES.key, 'the key', PEM_BYTES_MAX);
  const trust = read(FILES.trust, 'the certificates to trust', PEM_BYTES_MAX);
  const credentials =
    certificate === undefined || privateKey === undefined ? undefined : { chain: certificate, privateKey };
  if (token === undefined && credentials === undefined) return undefined;
  return { token, credentials, trust: trust === undefined ? undefined : pemBlocks(trust) };
}

/** In the place of what was there before. */
export function writeContextIdentity(folder: string, { token, credentials, trust }: Identity): void {
  const put = (name: string, content: string | undefined) => {
    const path = join(folder, name);
    if (content === undefined) rmSync(path, { force: true });
    else writePrivateFile(path, content);
  };
  put(FILES.trust, trust?.join(''));
  put(FILES.key, credentials?.privateKey);
  put(FILES.certificate, credentials?.chain);
  put(FILES.token, token === undefined ? undefined : `${token}\n`);
}

/** Whether there was one. */
export function removeContextIdentity(folder: string): boolean {
  const known = existsSync(folder);
  rmSync(folder, { recursive: true, force: true });
  return known;
}

/** What to tell the person about who else may read it. */
export function identityExposure(folder: string): readonly string[] {
  const files = [FILES.token, FILES.key].map((name) => join(folder, name));
  return [folder, ...files].flatMap((path) => exposure(path) ?? []);
}

/** When the certificates to trust were asked for, in milliseconds since 1970; undefined: never. */
export function trustAskedAtMs(folder: string): number | undefined {
  return statSync(join(folder, FILES.trust), { throwIfNoEntry: false })?.mtimeMs;
}

/** Certificates in a file of them. Throws `CliError` `CELL_E_FILE` if there is none, or one that is none. */
export function readTrust(path: string): readonly string[] {
  const blocks = pemBlocks(readSmallFile(path, 'the certificates to trust', PEM_BYTES_MAX));
  try {
    if (blocks.length === 0) throw new Error('it holds none');
    for (const block of blocks) new X509Certificate(block);
    return blocks;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('CELL_E_FILE', `"${path}" is no file of certificates (PEM): ${reason}`, { cause: error });
  }
}

function pemBlocks(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((block) => `${block}\n`);
}
