import { create } from '@bufbuild/protobuf';
import { type StreamLogsResponse, StreamLogsResponseSchema } from '@cell/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CellApiError } from './cell-api-error.ts';
import { type LogsRequest, readLogs } from './read-logs.ts';

const broken = new CellApiError('CELL_E_NODE_UNREACHABLE', 'The agent went away', true);

/** One answer after the other; an error ends one. */
function answering(...answers: (readonly (string | Error)[])[]) {
  const requests: LogsRequest[] = [];
  const state = { requests, breaks: [] as string[], nowMs: 0, pauses: 0 };
  const parts = {
    async *stream(request: LogsRequest): AsyncIterable<StreamLogsResponse> {
      requests.push(request);
      for (const message of answers[Math.min(requests.length, answers.length) - 1]!) {
        if (message instanceof Error) throw message;
        const [data = '', cursor = ''] = message.split('@');
        yield create(StreamLogsResponseSchema, { data: Buffer.from(data), cursor });
      }
    },
    monotonicMs: () => state.nowMs,
    pause: async (durationMs: number) => {
      state.nowMs += durationMs;
      state.pauses += 1;
    },
  };
  const options = { onBreak: (error: Error) => void state.breaks.push(error.message) };
  const read = async (request: LogsRequest = { allocationId: 'a', follow: true, tailLines: 5 }) => {
    let text = '';
    for await (const { data } of readLogs(parts, request, options)) text += Buffer.from(data).toString();
    return text;
  };
  return { state, read };
}

test('output goes on after its last cursor, and says once that it broke off', async () => {
  const { state, read } = answering(['a\n@1', 'b\n@2', broken], [broken], ['c\n@3']);
  expect(await read()).toBe('a\nb\nc\n');
  expect(state.requests.map(({ cursor }) => cursor)).toEqual([undefined, '2', '2']);
  expect(state.requests[1]).toMatchObject({ allocationId: 'a', follow: true, tailLines: 5 });
  expect(state.breaks).toEqual(['The agent went away']);
});

test('what came after the last cursor comes again, and is given once', async () => {
  const { read } = answering(['a\n@1', 'long', ' line', broken], ['lo', 'ng line goes', ' on\n@2', broken], ['end@3']);
  expect(await read()).toBe('a\nlong line goes on\nend');
});

test('a cursor without output is a place to go on from', async () => {
  const { state, read } = answering(['@7', broken], ['a@8']);
  expect(await read()).toBe('a');
  expect(state.requests[1]?.cursor).toBe('7');
});

test('without cursors, or after what is no break, the error is given', async () => {
  await expect(answering(['a', broken], ['b']).read()).rejects.toBe(broken);
  await expect(answering([broken], ['b']).read()).rejects.toBe(broken);
  const refused = new CellApiError('CELL_E_NOT_FOUND', 'Nothing is kept', true);
  await expect(answering(['a@1', refused], ['b']).read()).rejects.toBe(refused);
});

test('it gives up after two minutes of failures, counted anew whenever something comes', async () => {
  const { state, read } = answering(['a@1', broken], ['b@2', broken], [broken]);
  await expect(read()).rejects.toBe(broken);
  expect(state.nowMs).toBeGreaterThan(120_000);
  expect(state.nowMs).toBeLessThan(125_000);
  expect(state.breaks.length).toBe(2);
});

test('wherever it breaks, nothing is lost and nothing comes twice', async () => {
  const lines = fc.array(
    fc.string({ maxLength: 6 }).map((text) => text.replaceAll('@', '')),
    { maxLength: 12 },
  );
  const breaks = fc.array(fc.record({ messages: fc.nat(5), size: fc.integer({ min: 1, max: 4 }) }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lines, breaks, async (entries, cuts) => {
      let cut = 0;
      const parts = {
        async *stream({ cursor = '' }: LogsRequest): AsyncIterable<StreamLogsResponse> {
          const { messages, size } = cuts[cut] ?? { messages: Number.POSITIVE_INFINITY, size: 3 };
          cut += 1;
          let left = messages;
          // A cursor stands for a number of entries; each entry comes in pieces, and only the last one has a cursor.
          yield create(StreamLogsResponseSchema, { cursor: cursor === '' ? '0' : cursor });
          for (let entry = Number(cursor || 0); entry < entries.length; entry += 1) {
            const bytes = Buffer.from(entries[entry]!);
            for (let at = 0; at < bytes.length; at += size) {
              if (left === 0) throw broken;
              left -= 1;
              yield create(StreamLogsResponseSchema, { data: bytes.subarray(at, at + size) });
            }
            yield create(StreamLogsResponseSchema, { cursor: String(entry + 1) });
          }
        },
        monotonicMs: () => 0,
        pause: async () => {},
      };
      const pieces: Uint8Array[] = [];
      for await (const { data } of readLogs(parts, {}, {})) pieces.push(data);
      expect(Buffer.concat(pieces).toString()).toBe(entries.join(''));
    }),
  );
});
