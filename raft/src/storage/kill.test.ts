import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openLogStore } from './open-log-store.ts';

const ROUNDS = 3;

/** Lines to wait for before the kill: enough to be in the middle of things, and in another segment. */
const LINES_PER_ROUND = 300;

test('everything that a process acknowledged is there after kill -9, round after round', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'cell-kill-'));
  try {
    let acknowledged = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      acknowledged = await appendUntilKilled(directory);
      const store = await openLogStore({
        directory,
        identity: { clusterId: 'kill', nodeId: 1 },
        bootstrap: undefined,
        segmentBytes: 256 * 1024,
      });
      expect(store.lastIndex()).toBeGreaterThanOrEqual(acknowledged);
      for (const entry of store.entries(store.firstIndex(), store.lastIndex() + 1, 1e9)) {
        expect(Buffer.from(entry.data).equals(Buffer.alloc(200, entry.index))).toBe(true);
      }
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS * LINES_PER_ROUND);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);

/** Returns the last index that the process said before it died. */
async function appendUntilKilled(directory: string): Promise<number> {
  const script = fileURLToPath(new URL('./testing/appending-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let killed = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (killed || output.split('\n').length < LINES_PER_ROUND) return;
    killed = true;
    child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  // The last line may be cut short.
  return Number(output.split('\n').at(-2));
}
