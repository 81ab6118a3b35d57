import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A small file system of its own, which can be filled and emptied. */
export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined where mounting is not allowed. `size`: as tmpfs takes it, such as "48m". */
  static mount(folder: string, size: string): SmallDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', folder], {
        stdio: 'pipe',
      });
    } catch {
      return undefined;
    }
    return new SmallDisk(folder);
  }

  fill(): void {
    for (let bytes = 1024 * 1024; bytes >= 4096; bytes /= 2) {
      try {
        for (;;) appendFileSync(this.#filler, Buffer.alloc(bytes));
      } catch {
        // Not so much; maybe less.
      }
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    execFileSync('/usr/bin/umount', ['-l', this.#folder]);
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }
}
