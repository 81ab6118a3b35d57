import type { HardState, Snapshot, SnapshotMeta } from '../core/types.ts';
import type { DiskState, LogBatch, LogStore, SnapshotData } from '../driver/ports.ts';
import type { FramePayload } from './frame-payload.ts';
import { LogMirror, type LogState } from './log-mirror.ts';
import type { FrameKind } from './segment-format.ts';
import type { SegmentedLog } from './segmented-log.ts';
import type { SnapshotDirectory } from './snapshot-directory.ts';
import { diskFailed, isDiskFull, StorageError } from './storage-error.ts';

const NO_BYTES = new Uint8Array(0);

export interface FileLogStoreParts {
  readonly state: LogState;
  readonly log: SegmentedLog;
  readonly snapshots: SnapshotDirectory;
  readonly unlock: () => Promise<void>;
}

/**
 * The durable store: segments of frames for the log, a file per snapshot, and the mirror in memory that the core
 * reads. When there is no room, that is told and nothing has changed; after any other failure of the disk all further
 * calls reject. `openLogStore` makes one.
 */
export class FileLogStore extends LogMirror implements LogStore {
  readonly #log: SegmentedLog;
  readonly #snapshots: SnapshotDirectory;
  readonly #unlock: () => Promise<void>;
  #failure: StorageError | undefined;
  /** A hard state that needed no sync: it goes along with the next frame. */
  #hardStateUnwritten = false;
  /** The write under way, or the last one. */
  #writing: Promise<unknown> = Promise.resolve();
  #compacting: Promise<unknown> = Promise.resolve();

  constructor(parts: FileLogStoreParts) {
    super(parts.state);
    this.#log = parts.log;
    this.#snapshots = parts.snapshots;
    this.#unlock = parts.unlock;
  }

  append(batch: LogBatch): Promise<void> {
    return this.#inTurn(async () => {
      if (batch.entries.length === 0 && !batch.sync) {
        // Written without a sync, it could be lost while a later frame is not, and that would look like damage.
        this.#note(batch.hardState);
        return;
      }
      const hardState = batch.hardState ?? (this.#hardStateUnwritten ? this.hardState : undefined);
      await this.#write('batch', { hardState, meta: undefined, entries: batch.entries });
      this.replaceTail(batch.entries);
      if (hardState !== undefined) this.setHardState(hardState);
    });
  }

  async createSnapshot(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<Snapshot> {
    await this.#guard(() => this.#snapshots.create(meta, data));
    this.noteSnapshot(meta);
    return { meta, data: NO_BYTES };
  }

  async receiveSnapshot(meta: SnapshotMeta, data: SnapshotData): Promise<Snapshot> {
    await this.#guard(() => this.#snapshots.receive(meta, data));
    return { meta, data: NO_BYTES };
  }

  installSnapshot(snapshot: Snapshot, hardState: HardState | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const meta = await this.#snapshots.verifyReceived(snapshot.meta);
      const due = hardState ?? this.hardState;
      const written = { ...due, commit: Math.max(due.commit, meta.index) };
      // The frame is the moment at which the old state ends: a crash before leaves the old one, a crash after it the
      // new one, as recovery gives the received file its final name.
      await this.#write('install', { hardState: written, meta, entries: [] });
      await this.#snapshots.install(meta).catch(noWayBack);
      this.replaceAll(meta);
      this.setHardState(written);
    });
  }

  readSnapshot(snapshot: Snapshot): AsyncIterable<Uint8Array> {
    this.#assertUsable();
    return this.#snapshots.read(snapshot.meta);
  }

  openSnapshot(snapshot: Snapshot): Promise<SnapshotData> {
    return this.#guard(() => this.#snapshots.open(snapshot.meta));
  }

  compact(index: number): Promise<void> {
    const compacting = this.#compacting.then(() =>
      this.#guard(async () => {
        if (this.forget(index)) await this.#log.removeUpTo(index);
      }),
    );
    this.#compacting = compacting.catch(() => undefined);
    return compacting;
  }

  get disk(): DiskState {
    return this.#log.disk;
  }

  /** In turn if it is going to make a segment: a write may be making that very one. */
  checkRoom(): Promise<DiskState> {
    const check = () => this.#log.checkRoom();
    return this.#log.lacksSegment ? this.#inTurn(check) : this.#guard(check);
  }

  /** Also after a failure; then nothing more is written. */
  async close(): Promise<void> {
    if (this.#failure?.code === 'CELL_E_STORE_CLOSED') return;
    const writable = this.#failure === undefined;
    await this.#writing.catch(() => undefined);
    await this.#compacting;
    try {
      if (writable && this.#failure === undefined && this.#hardStateUnwritten) {
        await this.#write('batch', { hardState: this.hardState, meta: undefined, entries: [] });
      }
    } catch (error) {
      // It needed no sync: it can be learnt again.
      if (!isDiskFull(error)) throw error;
    } finally {
      this.#failure = new StorageError('CELL_E_STORE_CLOSED', 'Log store is closed');
      await this.#log.close();
      await this.#unlock();
    }
  }

  async #write(kind: FrameKind, payload: FramePayload): Promise<void> {
    const previousIndex = this.lastIndex();
    const position = { hardState: this.hardState, previousIndex, previousTerm: this.term(previousIndex) };
    await this.#log.write(kind, payload, position);
    this.#hardStateUnwritten = this.#hardStateUnwritten && payload.hardState === undefined;
  }

  #note(hardState: HardState | undefined): void {
    if (hardState === undefined) return;
    this.setHardState(hardState);
    this.#hardStateUnwritten = true;
  }

  /** Writes to the log one behind the other, even if the caller should not wait. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const writing = this.#writing.then(() => this.#guard(work));
    this.#writing = writing.catch(() => undefined);
    return writing;
  }

  /**
   * A failure of the disk is for ever: it is not known what reached it. Other errors pass: those of a peer's stream,
   * and a disk without room, where what was begun has been undone.
   */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.#assertUsable();
    try {
      return await work();
    } catch (error) {
      if (error instanceof StorageError && !isDiskFull(error)) this.#failure ??= error;
      throw error;
    }
  }

  #assertUsable(): void {
    const cause = this.#failure;
    if (cause === undefined) return;
    if (cause.code === 'CELL_E_STORE_CLOSED') throw cause;
    const message = `Log store stopped after a failure: ${cause.message}`;
    throw new StorageError('CELL_E_STORE_FAILED', message, { cause });
  }
}

/** The log says already that it is done: what the driver would write before it tries again would not fit that log. */
function noWayBack(error: unknown): never {
  throw isDiskFull(error) ? diskFailed('put in force', (error as StorageError).file ?? '', error) : error;
}
