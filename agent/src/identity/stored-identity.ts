/** What a node proves itself with, as it is kept: one file, so that key and certificate can never be of two kinds. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { subjectOf } from '@cell/identity';
import { AgentError } from '../agent-error.ts';
import { readStored, writeStored } from '../state/stored-file.ts';

export interface StoredIdentity {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** The certificate and those between it and an authority, PEM; empty before the node has joined. */
  readonly chain: string;
  /** Certificates of the authorities to trust, PEM. */
  readonly trust: readonly string[];
  /** Wall clock of this machine when the certificate came, milliseconds since 1970. */
  readonly obtainedAtMs: number;
  /** How long it was good for then, by the clock of who issued it. */
  readonly lifetimeMs: number;
}

const OWNER_ONLY = 0o700;
const ADVICE =
  'restore it, or move it away and give this machine a new token ("cellctl token create --role agent"): it joins anew';

/** `<data>/identity`: the key never leaves it. */
export class IdentityFolder {
  readonly #folder: string;

  /** `data`: the agent's data folder, which is this process's alone. */
  constructor(data: string) {
    this.#folder = join(data, 'identity');
  }

  /** With a new key at the first start. Rejects with `AgentError`; `nodeId` must be whom the certificate names. */
  async open(nodeId: string): Promise<StoredIdentity> {
    try {
      makeFolder(this.#folder, OWNER_ONLY);
      await chmod(this.#folder, OWNER_ONLY);
      const stored = await readStored(this.#path, ADVICE);
      if (stored !== undefined) return checked(stored, nodeId, this.#path);
      const made = { privateKey: newKey(), chain: '', trust: [], obtainedAtMs: 0, lifetimeMs: 0 };
      await this.save(made);
      return made;
    } catch (error) {
      if (error instanceof AgentError) throw error;
      const message = `Could not use the folder "${this.#folder}": ${(error as Error).message}; make room, or set another "data"`;
      throw new AgentError('CELL_E_DATA_UNUSABLE', message, { cause: error });
    }
  }

  async save(identity: StoredIdentity): Promise<void> {
    await writeStored(this.#path, identity);
  }

  get #path(): string {
    return join(this.#folder, 'identity.json');
  }
}

function newKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

function checked(stored: unknown, nodeId: string, path: string): StoredIdentity {
  const identity = stored as StoredIdentity;
  const { key, certificate } = parsed(identity, path);
  if (certificate === undefined) return identity;
  if (!certificate.checkPrivateKey(key)) {
    throw damaged(path, `its certificate is not for its key; ${ADVICE}`);
  }
  const subject = subjectOf(certificate.subjectAltName);
  if (subject?.kind === 'node' && subject.id === nodeId) return identity;
  const whose = subject === undefined ? 'nobody' : `${subject.kind} "${subject.id}"`;
  const why = `its certificate is for ${whose}, and the data folder is that of node "${nodeId}"`;
  throw damaged(path, `${why}; ${ADVICE}`);
}

function parsed(identity: StoredIdentity, path: string): { key: KeyObject; certificate: X509Certificate | undefined } {
  try {
    const key = createPrivateKey(identity.privateKey);
    return { key, certificate: identity.chain === '' ? undefined : new X509Certificate(identity.chain) };
  } catch (error) {
    throw damaged(path, `what it holds is no key or no certificate; ${ADVICE}`, error);
  }
}

function damaged(path: string, why: string, cause?: unknown): AgentError {
  return new AgentError('CELL_E_STATE_DAMAGED', `Could not use the file "${path}": ${why}`, { cause });
}
