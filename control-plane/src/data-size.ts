import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from './ports.ts';

const REFRESH_MS = 10_000;
const FILES_MAX = 10_000;

export interface DataSize {
  /** Bytes in the folder. */
  readonly bytes: () => number;
  /** Bytes that are free on its disk, for this process; undefined before they are known. */
  readonly freeBytes: () => number | undefined;
  readonly stop: () => void;
}

/** Keeps an eye on how many bytes a folder takes, and how many it may; numbers some seconds old are good enough for all. */
export function watchDataSize(folder: string, clock: Clock): DataSize {
  let bytes = 0;
  let freeBytes: number | undefined;
  const refresh = () => {
    // Files come and go while one looks; the next look will do.
    const ignore = () => undefined;
    measure(folder).then((measured) => {
      bytes = measured;
    }, ignore);
    statfs(folder).then(({ bavail, bsize }) => {
      freeBytes = bavail * bsize;
    }, ignore);
  };
  refresh();
  const stop = clock.every(REFRESH_MS, refresh);
  return { bytes: () => bytes, freeBytes: () => freeBytes, stop };
}

async function measure(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names.slice(0, FILES_MAX).map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined);
      return found?.isFile() === true ? found.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
