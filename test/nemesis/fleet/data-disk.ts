import { appendFileSync, mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCommand } from '../system-command.ts';

/** Room for some segments of the log, and for snapshots. */
const SIZE_MIB = 320;

/**
 * A member's own file system: ext4 in a file, so that what is synced goes to a real disk. It is mounted in the mount
 * namespace of this process, which must have one of its own: it goes with the last process in there.
 */
export class DataDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws where that is not allowed. */
  static mount(folder: string): DataDisk {
    const image = `${folder}.disk`;
    writeFileSync(image, '');
    truncateSync(image, SIZE_MIB * 1024 * 1024);
    mkdirSync(folder, { recursive: true });
    systemCommand('mkfs.ext4', ['-q', '-m', '0', image]);
    systemCommand('mount', ['-o', 'loop', image, folder]);
    return new DataDisk(folder);
  }

  /** To the last byte. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    try {
      systemCommand('fallocate', ['-l', String(Math.max(1, bavail * bsize)), this.#filler]);
    } catch {
      // It takes what it can get.
    }
    try {
      for (;;) appendFileSync(this.#filler, Buffer.alloc(4096));
    } catch {
      // It is full.
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    systemCommand('umount', ['-l', this.#folder]);
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }
}
