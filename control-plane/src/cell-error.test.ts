import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CellError } from './cell-error.ts';
import { toServiceError } from './grpc-error.ts';

/** Above this, a client of grpc takes it for an attack, and ends the connection. */
const TRAILERS_BYTES_MAX = 64 * 1024;

test('whatever a caller said can be told to it again: it crosses the wire, and does not end the connection', () => {
  const said = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.repeat(1_000));
  const cut = fc.tuple(said, fc.nat(40_000)).map(([text, length]) => text.slice(0, length));
  fc.assert(
    fc.property(fc.oneof(said, cut), (name) => {
      const { details } = toServiceError(new CellError('CELL_E_INVALID', `There is no job "${name}"`));
      // What grpc-js does to it, and where it throws.
      expect(encodeURI(details).length).toBeLessThan(TRAILERS_BYTES_MAX);
      expect(details.startsWith('There is no job "')).toBe(true);
    }),
    { numRuns: 100, examples: [['\ud83d'], ['中'.repeat(100_000)], ['']] },
  );
});

test('a message of usual length is told as it is', () => {
  const message = `Job "${'ü😀'.repeat(100)}" is not there; look for it with "cellctl job list"`;
  expect(new CellError('CELL_E_NOT_FOUND', message).message).toBe(message);
});
