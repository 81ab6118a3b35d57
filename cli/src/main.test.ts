/** The program as a process of its own: what only shows with real pipes and signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { type FakeHandlers, makeFakeCluster, startFakeControlPlane } from '@cell/sdk/testing';
import { expect, test } from 'vitest';

const MAIN = resolve(import.meta.dirname, 'main.ts');

const cluster = makeFakeCluster();

function start(words: readonly string[], address: string): ChildProcess {
  const env = { ...process.env, CELL_ADDR: address, CELL_TOKEN: cluster.token };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words], { env, stdio: 'pipe' });
}

function startMember(handlers: FakeHandlers) {
  return startFakeControlPlane(handlers, cluster.security);
}

async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, errors };
}

test('a reader that goes ends an endless stream quietly', async () => {
  const line = new TextEncoder().encode(`${'x'.repeat(1023)}\n`);
  const controlPlane = await startMember({
    streamLogs: async function* (_request, signal) {
      while (!signal.aborted) {
        yield { data: line };
        await new Promise((done) => {
          setImmediate(done);
        });
      }
    },
  });
  try {
    const child = start(['allocation', 'logs', '-f', 'A'], controlPlane.address);
    const end = ended(child);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    expect(await end).toEqual({ code: 0, errors: '' });
  } finally {
    controlPlane.end();
  }
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it quietly with %i', async (signal, code) => {
  const controlPlane = await startMember({
    streamEvents: async function* () {
      yield { event: { index: 1n, type: 'NodeReady', time: { seconds: 1n } } };
      await new Promise(() => {});
    },
  });
  try {
    const child = start(['events', '-f'], controlPlane.address);
    const end = ended(child);
    await once(child.stdout!, 'data');
    child.kill(signal);
    expect(await end).toEqual({ code, errors: '' });
  } finally {
    controlPlane.end();
  }
});

test('output that is much more than a pipe holds arrives whole', async () => {
  const nodes = Array.from({ length: 5_000 }, (_, place) => ({ name: `node-${place}` }));
  const controlPlane = await startMember({ listNodes: () => ({ nodes }) });
  try {
    const child = start(['node', 'list', '-o', 'json'], controlPlane.address);
    const chunks: Buffer[] = [];
    child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await ended(child)).toEqual({ code: 0, errors: '' });
    expect((JSON.parse(Buffer.concat(chunks).toString()) as { nodes: unknown[] }).nodes).toHaveLength(5_000);
  } finally {
    controlPlane.end();
  }
});
