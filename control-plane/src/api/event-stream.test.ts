import { create } from '@bufbuild/protobuf';
import { StreamEventsRequestSchema } from '@cell/proto';
import { beforeEach, expect, test } from 'vitest';
import { addNode } from '../execute/testing/example-fleet.ts';
import { settle } from '../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import { streamEvents } from './event-stream.ts';

let consensus: MemoryConsensus;
let reader: AbortController;

beforeEach(() => {
  consensus = new MemoryConsensus();
  reader = new AbortController();
});

function events(request: { follow?: boolean; afterIndex?: bigint; limit?: number }) {
  return streamEvents(consensus, create(StreamEventsRequestSchema, request), () => true, reader.signal);
}

async function indexes(stream: ReturnType<typeof events>): Promise<bigint[]> {
  const seen: bigint[] = [];
  for await (const { event } of stream) seen.push(event.index as bigint);
  return seen;
}

test('events are limited to the newest, and begin after an index', async () => {
  for (const name of ['a', 'b', 'c', 'd']) addNode(consensus, name);
  expect(await indexes(events({ limit: 2 }))).toEqual([3n, 4n]);
  expect(await indexes(events({ afterIndex: 1n }))).toEqual([2n, 3n, 4n]);
  expect(await indexes(events({ afterIndex: 1n, limit: 9 }))).toEqual([2n, 3n, 4n]);
});

test('a reader that goes away ends the stream, also while it waits', async () => {
  const seen = indexes(events({ follow: true }));
  await settle();
  addNode(consensus, 'a');
  await settle();
  reader.abort();
  expect(await seen).toEqual([1n]);
});

test('a reader that is too slow is ended rather than fed from a growing buffer', async () => {
  const stream = events({ follow: true })[Symbol.asyncIterator]();
  addNode(consensus, 'a');
  await stream.next();
  for (let node = 0; node < 5_001; node += 1) addNode(consensus, `n${node}`);
  await expect(stream.next()).rejects.toMatchObject({ code: 'CELL_E_OVERLOADED' });
});
