import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from './ports.ts';

const REFRESH_MS = 10_000;
const FILES_MAX = 10_000;

/** Keeps an eye on how many bytes a folder takes; a number some seconds old is good enough for all who ask. */
export function watchDataSize(
  folder: string,
  clock: Clock,
): { readonly bytes: () => number; readonly stop: () => void } {
  let bytes = 0;
  const refresh = () => {
    measure(folder).then(
      (measured) => {
        bytes = measured;
      },
      // Files come and go while one looks; the next look will do.
      () => undefined,
    );
  };
  refresh();
  const stop = clock.every(REFRESH_MS, refresh);
  return { bytes: () => bytes, stop };
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
