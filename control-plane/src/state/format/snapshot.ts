/**
 * The whole state as bytes: newline-delimited JSON. A header with the counts, one line per row, and an end line. Rows
 * are ordered by key, so that equal states give equal bytes. What carries it has a checksum of its own (the snapshot
 * file of the consensus library), hence there is none here: reading only checks that the content is whole and sound.
 */
import type { FleetTables } from '../fleet-tables.ts';
import { SNAPSHOT_CHUNK_BYTES_MAX } from '../limits.ts';
import { amount, object, oneOf, type Shape } from './shape.ts';

export const SNAPSHOT_VERSION = 1;

/** Tables in the order in which a snapshot has them. */
export const snapshotTables = ['nodes', 'jobs', 'jobVersions', 'allocations', 'drills', 'events'] as const;
export type SnapshotTable = (typeof snapshotTables)[number];

export interface SnapshotHeader {
  readonly format: 'cell-fleet';
  readonly version: number;
  /** Raft index of the last command in it. */
  readonly index: number;
  readonly counts: Readonly<Record<SnapshotTable, number>>;
}

export const headerShape: Shape<SnapshotHeader> = object<SnapshotHeader>({
  format: oneOf('cell-fleet'),
  version: amount,
  index: amount,
  counts: object<SnapshotHeader['counts']>({
    nodes: amount,
    jobs: amount,
    jobVersions: amount,
    allocations: amount,
    drills: amount,
    events: amount,
  }),
});

const ROWS_PER_SLICE = 256;
const encoder = new TextEncoder();

/**
 * Copies the tables (shallowly, since rows never change) before it returns; the bytes are made as they are asked for,
 * in chunks of at most SNAPSHOT_CHUNK_BYTES_MAX. Take a turn of the event loop between chunks.
 */
export function captureTables(tables: FleetTables): Iterable<Uint8Array> {
  const rows: Record<SnapshotTable, readonly unknown[]> = {
    nodes: ordered(tables.nodes),
    jobs: ordered(tables.jobs),
    jobVersions: [...tables.jobs.keys()]
      .sort()
      .flatMap((job) => [...tables.versionsOfJob(job)].sort((one, other) => one.version - other.version)),
    allocations: ordered(tables.allocations),
    drills: ordered(tables.drills),
    events: [...tables.events],
  };
  const counts = Object.fromEntries(snapshotTables.map((name) => [name, rows[name].length]));
  const header = { format: 'cell-fleet', version: SNAPSHOT_VERSION, index: tables.index, counts };
  return chunks(header, rows);
}

/** Ids sort by time, so that the rows are almost in order already, which is what makes sorting cheap. */
function ordered<Row>(table: ReadonlyMap<string, Row>): readonly Row[] {
  const keys = [...table.keys()].sort();
  return keys.map((key) => table.get(key) as Row);
}

function* chunks(header: unknown, rows: Record<SnapshotTable, readonly unknown[]>): Generator<Uint8Array> {
  yield* cut(`${JSON.stringify(header)}\n`);
  for (const name of snapshotTables) {
    for (let from = 0; from < rows[name].length; from += ROWS_PER_SLICE) {
      const slice = rows[name].slice(from, from + ROWS_PER_SLICE);
      yield* cut(slice.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  }
  yield* cut('{"end":true}\n');
}

function* cut(lines: string): Generator<Uint8Array> {
  const bytes = encoder.encode(lines);
  for (let from = 0; from < bytes.length; from += SNAPSHOT_CHUNK_BYTES_MAX) {
    yield bytes.subarray(from, from + SNAPSHOT_CHUNK_BYTES_MAX);
  }
}
