import { EventEmitter } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { expect, test, vi } from 'vitest';
import type { MemberRow } from '../../model/members.ts';
import { MemberDirectory } from './member-directory.ts';
import { relayStream } from './relay-stream.ts';

class PaperCall extends EventEmitter {
  readonly metadata = new Metadata();
  readonly cancelled = false;
  readonly written: unknown[] = [];
  readonly failed: unknown[] = [];
  readonly end = vi.fn();

  constructor() {
    super();
    this.on('error', (error) => this.failed.push(error));
  }

  write(message: unknown): boolean {
    this.written.push(message);
    return true;
  }
}

function table(...removed: number[]): ReadonlyMap<number, MemberRow> {
  const row = (id: number) => ({ id, grpc: '', peers: `p${id}`, http: '', incarnation: '', ...statusOf(id) });
  const statusOf = (id: number) => ({ status: removed.includes(id) ? 'removed' : 'member' });
  return new Map([1, 2, 3].map((id) => [id, row(id) as unknown as MemberRow]));
}

/** A relay for member 2 that says one thing, and then nothing until its signal is aborted, or not even then. */
function relay({ deaf }: { readonly deaf: boolean }) {
  const directory = new MemberDirectory([]);
  directory.follow(table());
  const call = new PaperCall();
  const reasons: unknown[] = [];
  const open = async function* (_: PaperCall, signal: AbortSignal) {
    yield 'first';
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        if (!deaf) resolve();
      });
    });
    yield 'last';
  };
  relayStream(() => 2, directory, open)(call);
  return { directory, call, reasons };
}

test.each([true, false])('what runs for a member ends when its removal is applied (deaf: %s)', async (deaf) => {
  const { directory, call, reasons } = relay({ deaf });
  await expect.poll(() => call.written).toEqual(['first']);
  directory.follow(table(3));
  expect([call.failed, reasons]).toEqual([[], []]);
  directory.follow(table(3, 2));
  directory.follow(table(3, 2, 1));
  expect(reasons).toMatchObject([{ code: 'CELL_E_REMOVED' }]);
  expect(call.failed).toMatchObject([{ details: expect.stringMatching(/removed from the control plane/) }]);
  await new Promise(setImmediate);
  expect(call.written).toEqual(['first']);
  expect(call.end).not.toHaveBeenCalled();
});

test('a relay that is over is told of nothing', async () => {
  const { directory, call, reasons } = relay({ deaf: false });
  await expect.poll(() => call.written).toEqual(['first']);
  call.emit('cancelled');
  await expect.poll(() => call.end.mock.calls).toHaveLength(1);
  directory.follow(table(2));
  expect(call.failed).toEqual([]);
  expect(reasons).toMatchObject([{ code: 'CELL_E_TIMEOUT' }]);
});
