import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CREDENTIAL_NAME_PATTERN } from '@cell/job/credential-name';
import { AgentError } from '../agent-error.ts';
import type { WorkloadSecrets } from '../ports.ts';
import { makeOwnFolder } from './secret-root.ts';

/** What came of asking for an allocation's values. */
export type FetchedSecrets =
  | { readonly values: Readonly<Record<string, Uint8Array>> }
  /** `decided`: it is not to have them, as opposed to that nobody could say. */
  | { readonly problem: string; readonly decided: boolean };

/** Values by the names of credentials. Never rejects. */
export type FetchSecrets = (allocationId: string) => Promise<FetchedSecrets>;

const OWNER_ONLY = 0o700;
/** While it is being written; no allocation is called so. */
const UNFINISHED = '.new';

/** Folders with one file per secret, one for each allocation that has any. */
export class SecretFolders implements WorkloadSecrets {
  readonly #root: string;
  readonly #fetch: FetchSecrets;
  /** By allocation: what is being got, and whether nobody is to have it any more. */
  readonly #underWay = new Map<string, { unwanted: boolean }>();

  /** `root`: a folder of its own, which is there only while there are secrets. */
  constructor(root: string, fetch: FetchSecrets) {
    this.#root = root;
    this.#fetch = fetch;
  }

  folder(id: string): string {
    return join(this.#root, id);
  }

  async prepare(id: string, names: readonly string[]): Promise<void> {
    const own = { unwanted: false };
    this.#underWay.set(id, own);
    try {
      const fetched = await this.#fetch(id);
      if (!own.unwanted) await this.#take(id, names, fetched);
    } finally {
      if (this.#underWay.get(id) === own) this.#underWay.delete(id);
      // The allocation has ended before its values came, or while they were written.
      if (own.unwanted) await this.#delete(id);
    }
    if (own.unwanted) throw unavailable(id, 'it has ended meanwhile');
  }

  async remove(id: string): Promise<void> {
    const underWay = this.#underWay.get(id);
    if (underWay !== undefined) underWay.unwanted = true;
    await this.#delete(id);
  }

  async retain(ids: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#root).catch(() => [])) {
      if (!ids.has(name)) await rm(join(this.#root, name), { recursive: true, force: true });
    }
    await this.#tidy();
  }

  async #take(id: string, names: readonly string[], fetched: FetchedSecrets): Promise<void> {
    if ('values' in fetched) {
      await this.#write(id, names, fetched.values);
      return;
    }
    // What it was started with before is better than not to start while the control plane is away.
    if (!fetched.decided && (await this.#has(id, names))) return;
    throw unavailable(id, fetched.problem);
  }

  async #delete(id: string): Promise<void> {
    await rm(this.folder(id), { recursive: true, force: true });
    await rm(`${this.folder(id)}${UNFINISHED}`, { recursive: true, force: true });
    await this.#tidy();
  }

  /** A whole new folder in the place of the old one: nothing is running that looks into it. */
  async #write(id: string, names: readonly string[], values: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const missing = names.find((name) => !Object.hasOwn(values, name) || !CREDENTIAL_NAME_PATTERN.test(name));
    if (missing !== undefined) throw unavailable(id, `the member did not send "${missing}"`);
    const unfinished = `${this.folder(id)}${UNFINISHED}`;
    if (!(await makeOwnFolder(this.#root))) throw unavailable(id, `"${this.#root}" is not a folder of the agent's own`);
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { mode: OWNER_ONLY });
    for (const name of names) await writeFile(join(unfinished, name), values[name]!, { mode: 0o600, flag: 'wx' });
    await rm(this.folder(id), { recursive: true, force: true });
    await rename(unfinished, this.folder(id));
  }

  async #tidy(): Promise<void> {
    // Not empty, mostly.
    await rmdir(this.#root).catch(() => undefined);
  }

  async #has(id: string, names: readonly string[]): Promise<boolean> {
    const found = new Set(await readdir(this.folder(id)).catch(() => []));
    return names.every((name) => found.has(name));
  }
}

function unavailable(id: string, problem: string): AgentError {
  return new AgentError('CELL_E_NO_SECRETS', `Could not get the secrets of allocation "${id}": ${problem}`);
}
