import { setTimeout as sleep } from 'node:timers/promises';

/** A process that is waited for takes many times as long on a machine that has other things to do. */
const WAIT_MS_MAX = 40_000;
const LOOK_PERIOD_MS = 5;

/** Waits until the look gives something, and gives it; rejects after 40 s. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${WAIT_MS_MAX} ms in vain for: ${look.toString()}`);
    await sleep(LOOK_PERIOD_MS);
  }
}
