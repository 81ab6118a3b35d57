import path from 'node:path';
import type { SnapshotMeta } from '../core/types.ts';
import type { SnapshotContent, SnapshotData } from '../driver/ports.ts';
import type { FileSystem } from './file-system.ts';
import { readSnapshotContent, readSnapshotFile, readSnapshotHeader, verifySnapshotFile } from './read-snapshot-file.ts';
import { receiveSnapshotFile } from './receive-snapshot-file.ts';
import { removeQuietly } from './segment-file.ts';
import type { StoreIdentity } from './segment-format.ts';
import { onDisk, StorageError, snapshotDamaged, snapshotMissing } from './storage-error.ts';
import { writeSnapshotFile } from './write-snapshot-file.ts';

/** Snapshot files in force that are kept: the newest, and the one before for those who are still reading it. */
const SNAPSHOTS_KEPT = 2;

type Place = Pick<SnapshotMeta, 'index' | 'term'>;

const NAME = /^snapshot-(\d{1,16})-(\d{1,16})\.(snap|received)$/;

/** Named after place, size and checksum, which tell whether it is what a sender has. */
const PARTIAL = /^snapshot-(\d{1,16})-\d{1,16}-\d{1,16}-[0-9a-f]{8}\.partial$/;

/**
 * The snapshot files of one store. `.snap` is in force; `.received` came from a peer and waits for `install`; `.tmp`
 * is in the making, and is removed at the next start; `.partial` is on its way from a peer, perhaps with breaks.
 */
export class SnapshotDirectory {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #clusterId: string;
  #temporaryCount = 0;
  #pruning: Promise<void> = Promise.resolve();

  constructor(fileSystem: FileSystem, directory: string, identity: StoreIdentity) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#clusterId = identity.clusterId;
  }

  /** Removes what isn't in force; `installed` is the last snapshot that the log says is in force. */
  async recover(installed: Place | undefined): Promise<SnapshotMeta | undefined> {
    let changed = false;
    for (const { place, kind, name } of await this.#list()) {
      if (kind === 'snap') continue;
      const file = path.join(this.#directory, name);
      const isInstalled = kind === 'received' && place.index === installed?.index && place.term === installed.term;
      const action = isInstalled
        ? this.#fileSystem.rename(file, this.#path(place, 'snap'))
        : this.#fileSystem.remove(file);
      await onDisk('tidy up', file, action);
      changed = true;
    }
    if (changed) await this.#sync();
    const newest = (await this.#inForce())[0];
    await this.#removePartials((_, index) => index <= (newest?.index ?? 0));
    if (installed !== undefined && (newest?.index ?? 0) < installed.index)
      throw snapshotMissing(installed, this.#directory);
    return newest === undefined ? undefined : this.#verify(newest);
  }

  async create(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#write(meta, data, 'snap');
    await this.#prune();
  }

  /** Goes on with a file of the same content that an earlier call has begun; others that were begun are removed. */
  async receive(meta: SnapshotMeta, data: SnapshotData): Promise<void> {
    const { content } = data;
    if (content === undefined) {
      await this.#write(meta, data, 'received');
      return;
    }
    const name = partialName(meta, content);
    await this.#removePartials((one) => one !== name);
    const partial = path.join(this.#directory, name);
    await receiveSnapshotFile(this.#fileSystem, partial, { clusterId: this.#clusterId, meta }, content);
    await this.#giveName(partial, this.#path(meta, 'received'));
  }

  async open(place: Place): Promise<SnapshotData> {
    const file = this.#path(place, 'snap');
    const content = await readSnapshotContent(this.#fileSystem, file);
    return {
      [Symbol.asyncIterator]: () => this.read(place),
      content: { ...content, readFrom: (byte) => skip(this.read(place), byte) },
    };
  }

  /** After the log has noted that it is in force: a crash in between is made good by `recover`. */
  async install(place: Place): Promise<void> {
    await this.#rename(this.#path(place, 'received'), this.#path(place, 'snap'));
    await this.#prune();
  }

  /** Verifies a received file once more, as it is about to replace the log. */
  async verifyReceived(meta: Place): Promise<SnapshotMeta> {
    const file = this.#path(meta, 'received');
    await verifySnapshotFile(this.#fileSystem, file);
    return (await readSnapshotHeader(this.#fileSystem, file)).meta;
  }

  /** Throws `CELL_E_SNAPSHOT_MISSING` if its file is gone: newer ones took its place before it was begun to be read. */
  async *read(place: Place): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* readSnapshotFile(this.#fileSystem, this.#path(place, 'snap'));
    } catch (error) {
      throw isGone(error) ? snapshotMissing(place, this.#directory) : error;
    }
  }

  async #write(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>, kind: 'snap' | 'received'): Promise<void> {
    this.#temporaryCount += 1;
    const temporary = path.join(this.#directory, `snapshot-${this.#temporaryCount}.tmp`);
    await writeSnapshotFile(this.#fileSystem, temporary, { clusterId: this.#clusterId, meta }, data);
    await this.#giveName(temporary, this.#path(meta, kind));
  }

  async #giveName(temporary: string, final: string): Promise<void> {
    try {
      await this.#rename(temporary, final);
    } catch (error) {
      await removeQuietly(this.#fileSystem, undefined, temporary);
      throw error;
    }
  }

  /** Those whose transfer broke off. */
  async #removePartials(unwanted: (name: string, index: number) => boolean): Promise<void> {
    for (const name of await onDisk('list', this.#directory, this.#fileSystem.list(this.#directory))) {
      const match = PARTIAL.exec(name);
      if (match === null || !unwanted(name, Number(match[1]))) continue;
      const file = path.join(this.#directory, name);
      await onDisk('delete', file, this.#fileSystem.remove(file));
    }
  }

  /** Those that the core had no use for, as its log had come so far by itself meanwhile. */
  async #removeReceived(upToIndex: number): Promise<void> {
    for (const { place, kind, name } of await this.#list()) {
      if (kind !== 'received' || place.index > upToIndex) continue;
      const file = path.join(this.#directory, name);
      await onDisk('delete', file, this.#fileSystem.remove(file));
    }
  }

  async #verify(place: Place): Promise<SnapshotMeta> {
    const file = this.#path(place, 'snap');
    const { clusterId, meta } = await readSnapshotHeader(this.#fileSystem, file);
    if (clusterId !== this.#clusterId) {
      const message =
        `Snapshot file "${file}" belongs to cluster "${clusterId}", but this is a member of cluster ` +
        `"${this.#clusterId}". Point this member at its own data directory, or at an empty one`;
      throw new StorageError('CELL_E_FOREIGN_DATA', message, { file });
    }
    if (meta.index !== place.index || meta.term !== place.term) {
      throw snapshotDamaged(file, 0, `it holds the snapshot at index ${meta.index} of term ${meta.term}`);
    }
    await verifySnapshotFile(this.#fileSystem, file);
    return meta;
  }

  /** One at a time: what one has deleted would be missing to the other, who would take that for a failing disk. */
  #prune(): Promise<void> {
    const pruning = this.#pruning.then(() => this.#pruneNow());
    this.#pruning = pruning.catch(() => undefined);
    return pruning;
  }

  async #pruneNow(): Promise<void> {
    const inForce = await this.#inForce();
    const newest = inForce[0]?.index ?? 0;
    await this.#removePartials((_, index) => index <= newest);
    await this.#removeReceived(newest);
    const old = inForce.slice(SNAPSHOTS_KEPT);
    for (const place of old) {
      const file = this.#path(place, 'snap');
      await onDisk('delete', file, this.#fileSystem.remove(file));
    }
    if (old.length > 0) await this.#sync();
  }

  /** Newest first. */
  async #inForce(): Promise<Place[]> {
    const files = await this.#list();
    return files
      .filter(({ kind }) => kind === 'snap')
      .map(({ place }) => place)
      .sort((a, b) => b.index - a.index || b.term - a.term);
  }

  async #list(): Promise<{ place: Place; kind: string; name: string }[]> {
    const names = await onDisk('list', this.#directory, this.#fileSystem.list(this.#directory));
    const files: { place: Place; kind: string; name: string }[] = [];
    for (const name of names) {
      const match = NAME.exec(name);
      if (match !== null)
        files.push({ place: { index: Number(match[1]), term: Number(match[2]) }, kind: match[3] as string, name });
      else if (/^snapshot-\d+\.tmp$/.test(name)) files.push({ place: { index: 0, term: 0 }, kind: 'tmp', name });
    }
    return files;
  }

  async #rename(from: string, to: string): Promise<void> {
    await onDisk('rename', from, this.#fileSystem.rename(from, to));
    await this.#sync();
  }

  async #sync(): Promise<void> {
    await onDisk('sync', this.#directory, this.#fileSystem.syncDirectory(this.#directory));
  }

  #path(place: Place, kind: 'snap' | 'received'): string {
    return path.join(this.#directory, `snapshot-${place.index}-${place.term}.${kind}`);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof StorageError && (error.cause as { code?: unknown } | undefined)?.code === 'ENOENT';
}

function partialName({ index, term }: Place, { sizeBytes, checksum }: SnapshotContent): string {
  return `snapshot-${index}-${term}-${sizeBytes}-${checksum.toString(16).padStart(8, '0')}.partial`;
}

async function* skip(data: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  for await (const chunk of data) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
