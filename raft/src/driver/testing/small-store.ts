import type { ConfState } from '../../core/index.ts';
import { MemoryLogStore, StorageError } from '../../storage/index.ts';
import type { DiskState, LogBatch } from '../ports.ts';

/** A store whose disk a test fills: then it takes terms and votes, and the empty entries of new leaders. */
export class SmallStore extends MemoryLogStore {
  full = false;
  /** Not even terms and votes. */
  reserveUsed = false;

  constructor(bootstrap: ConfState) {
    super({ bootstrap });
  }

  override async checkRoom(): Promise<DiskState> {
    this.disk = this.full ? 'full' : 'ok';
    return this.disk;
  }

  override async append(batch: LogBatch): Promise<void> {
    const small = batch.entries.every((entry) => entry.data.length === 0);
    if (this.full && !(small && !this.reserveUsed)) {
      this.disk = 'full';
      throw new StorageError('CELL_E_DISK_FULL', 'Disk is full');
    }
    await super.append(batch);
  }
}
