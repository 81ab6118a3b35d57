import { crc32 } from 'node:zlib';
import type { ConfState, HardState, Snapshot, SnapshotMeta } from '../core/types.ts';
import {
  type DiskState,
  type LogBatch,
  type LogStore,
  type SnapshotContent,
  type SnapshotData,
  SnapshotMismatch,
} from '../driver/ports.ts';
import { foundingState } from './founding.ts';
import { LogMirror } from './log-mirror.ts';
import { StorageError, snapshotMissing } from './storage-error.ts';

/** Snapshots whose data is kept, received ones that are not in force yet not counted. */
const SNAPSHOTS_KEPT = 2;

const CHUNK_BYTES = 1024;

const NO_BYTES = new Uint8Array(0);

interface Stored {
  readonly meta: SnapshotMeta;
  readonly chunks: readonly Uint8Array[];
}

/** The port in memory, for tests and simulations: what it was given lasts as long as the object does. */
export class MemoryLogStore extends LogMirror implements LogStore {
  /** In force, oldest first. */
  #snapshots: Stored[] = [];
  /** The one that was received last and waits to be put in force. */
  #received: Stored | undefined;
  /** One whose transfer broke off. */
  #partial: { readonly key: string; readonly chunks: Uint8Array[] } | undefined;
  #closed = false;
  disk: DiskState = 'ok';

  constructor(options: { readonly bootstrap?: ConfState | undefined } = {}) {
    const { hardState, meta } = foundingState(options.bootstrap);
    const base = { index: meta.index, term: meta.term };
    super({ hardState, base, entries: [], snapshot: meta, snapshotStored: false });
  }

  async checkRoom(): Promise<DiskState> {
    return this.disk;
  }

  async append(batch: LogBatch): Promise<void> {
    this.#assertOpen();
    this.replaceTail(batch.entries);
    if (batch.hardState !== undefined) this.setHardState(batch.hardState);
  }

  async createSnapshot(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<Snapshot> {
    this.#assertOpen();
    this.#keep({ meta, chunks: await collect(data) });
    this.noteSnapshot(meta);
    return { meta, data: NO_BYTES };
  }

  async receiveSnapshot(meta: SnapshotMeta, data: SnapshotData): Promise<Snapshot> {
    this.#assertOpen();
    const chunks = data.content === undefined ? await collect(data) : await this.#resume(meta, data.content);
    this.#received = { meta, chunks };
    return { meta, data: NO_BYTES };
  }

  async openSnapshot(snapshot: Snapshot): Promise<SnapshotData> {
    const chunks = await collect(this.readSnapshot(snapshot));
    return contentOf(Buffer.concat(chunks));
  }

  async #resume(meta: SnapshotMeta, content: SnapshotContent): Promise<Uint8Array[]> {
    const key = `${meta.index} ${meta.term} ${content.sizeBytes} ${content.checksum}`;
    if (this.#partial?.key !== key) this.#partial = { key, chunks: [] };
    const { chunks } = this.#partial;
    const have = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    for await (const chunk of content.readFrom(have)) chunks.push(chunk.slice());
    this.#partial = undefined;
    const all = Buffer.concat(chunks);
    if (all.length === content.sizeBytes && crc32(all) === content.checksum) return chunks;
    throw new SnapshotMismatch(`${all.length} bytes came of ${content.sizeBytes}, or others`);
  }

  async installSnapshot(snapshot: Snapshot, hardState: HardState | undefined): Promise<void> {
    this.#assertOpen();
    const received = this.#received;
    if (received === undefined || !isAt(received, snapshot.meta)) throw snapshotMissing(snapshot.meta);
    this.#received = undefined;
    this.#keep(received);
    this.replaceAll(received.meta);
    if (hardState !== undefined) this.setHardState(hardState);
  }

  async *readSnapshot(snapshot: Snapshot): AsyncGenerator<Uint8Array, void, undefined> {
    this.#assertOpen();
    const stored = this.#snapshots.find((one) => isAt(one, snapshot.meta));
    if (stored === undefined) throw snapshotMissing(snapshot.meta);
    yield* stored.chunks;
  }

  async compact(index: number): Promise<void> {
    this.#assertOpen();
    this.forget(index);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** The same data after a restart of the process that had it open. */
  reopen(): this {
    this.#closed = false;
    this.#received = undefined;
    return this;
  }

  #keep(stored: Stored): void {
    const others = this.#snapshots.filter((one) => one.meta.index !== stored.meta.index);
    this.#snapshots = [...others, stored].sort((a, b) => a.meta.index - b.meta.index).slice(-SNAPSHOTS_KEPT);
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageError('CELL_E_STORE_CLOSED', 'Log store is closed');
  }
}

/** Data in memory as one that can be read from any place on. */
export function contentOf(bytes: Uint8Array): SnapshotData {
  async function* readFrom(byte: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = byte; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
  }
  return {
    [Symbol.asyncIterator]: () => readFrom(0),
    content: { sizeBytes: bytes.length, checksum: crc32(bytes), readFrom },
  };
}

function isAt(stored: Stored, meta: SnapshotMeta): boolean {
  return stored.meta.index === meta.index && stored.meta.term === meta.term;
}

async function collect(data: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  // Copied, as a file would: the giver may use its buffer again.
  for await (const chunk of data) chunks.push(chunk.slice());
  return chunks;
}
