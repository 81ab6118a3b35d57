/**
 * The whole state as bytes: newline-delimited JSON. A header with the counts, one line per row, and an end line. Rows
 * have one order (by key; those that belong to a job by job and key), so that equal states give equal bytes. What carries it has a checksum of its own (the snapshot
 * file of the consensus library), hence there is none here: reading only checks that the content is whole and sound.
 */
import { secretKey } from '../../model/identity.ts';
import type { FleetTables } from '../fleet-tables.ts';
import { SNAPSHOT_CHUNK_BYTES_MAX } from '../limits.ts';
import { amount, object, oneOf, record, type Shape, text, withDefault } from './shape.ts';

export const SNAPSHOT_VERSION = 3;

/** Tables in the order in which a snapshot has them. */
export const snapshotTables = [
  'members',
  'recoveries',
  'nodes',
  'jobs',
  'jobVersions',
  'allocations',
  'drills',
  'events',
  'tokens',
  'nodeIdentities',
  'authorities',
  'secrets',
  'audit',
] as const;
export type SnapshotTable = (typeof snapshotTables)[number];

export interface SnapshotHeader {
  readonly format: 'cell-fleet';
  readonly version: number;
  /** Raft index of the last command in it. */
  readonly index: number;
  /** See `FleetState`. */
  readonly auditAnchor: string;
  /** Rows per table. */
  readonly counts: Readonly<Record<string, number>>;
}

export const headerShape: Shape<SnapshotHeader> = object<SnapshotHeader>({
  format: oneOf('cell-fleet'),
  version: amount,
  index: amount,
  auditAnchor: withDefault(text, ''),
  counts: record(amount),
});

const tablesSinceVersion: { readonly [Table in SnapshotTable]: number } = {
  members: 2,
  recoveries: 2,
  nodes: 1,
  jobs: 1,
  jobVersions: 1,
  allocations: 1,
  drills: 1,
  events: 1,
  tokens: 3,
  nodeIdentities: 3,
  authorities: 3,
  secrets: 3,
  audit: 3,
};

/** Tables of a snapshot of that version, with the number of their rows, in order. Throws if one is not counted. */
export function countedTables({ version, counts }: SnapshotHeader): { table: SnapshotTable; rows: number }[] {
  const tables = snapshotTables.filter((table) => tablesSinceVersion[table] <= version);
  return tables.map((table) => ({ table, rows: amount(counts[table], `counts.${table}`) }));
}

const ROWS_PER_SLICE = 256;
const encoder = new TextEncoder();

/** One table: how many rows it has, and these in groups; each group is put in order only when it is its turn. */
interface CapturedTable {
  readonly count: number;
  readonly groups: Iterable<readonly unknown[]>;
}

/**
 * Copies the tables (shallowly, since rows never change) before it returns, and puts nothing in order yet, so that it
 * holds up nobody; the bytes are made as they are asked for, in chunks of at most SNAPSHOT_CHUNK_BYTES_MAX. Take a turn
 * of the event loop between chunks.
 */
export function captureTables(tables: FleetTables): Iterable<Uint8Array> {
  const jobs = [...tables.jobs.values()];
  const captured: Record<SnapshotTable, CapturedTable> = {
    members: single([...tables.members.values()], (one, other) => one.id - other.id),
    recoveries: single([...tables.recoveries], () => 0),
    nodes: single([...tables.nodes.values()], byId),
    jobs: single(jobs, (one, other) => (one.name < other.name ? -1 : 1)),
    jobVersions: perJob(
      jobs.map(({ name }) => [name, [...tables.versionsOfJob(name)]]),
      (one, other) => one.version - other.version,
    ),
    allocations: perJob(
      jobs.map(({ name }) => [name, [...tables.allocationsOfJob(name)]]),
      byId,
    ),
    drills: single([...tables.drills.values()], byId),
    events: single([...tables.events], () => 0),
    tokens: single([...tables.tokens.values()], byId),
    nodeIdentities: single([...tables.nodeIdentities.values()], (one, other) => (one.nodeId < other.nodeId ? -1 : 1)),
    authorities: single(tables.authorities, () => 0),
    secrets: single([...tables.secrets.values()], (one, other) => (secretKey(one) < secretKey(other) ? -1 : 1)),
    audit: single([...tables.audit], () => 0),
  };
  const counts = Object.fromEntries(snapshotTables.map((name) => [name, captured[name].count]));
  const { index, auditAnchor } = tables;
  const header: SnapshotHeader = { format: 'cell-fleet', version: SNAPSHOT_VERSION, index, auditAnchor, counts };
  return chunks(header, captured);
}

type Order<Row> = (one: Row, other: Row) => number;

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1;
}

function single<Row>(rows: readonly Row[], order: Order<Row>): CapturedTable {
  return { count: rows.length, groups: inOrder([rows], order) };
}

/** A job at a time, since sorting all allocations at once would take too long. */
function perJob<Row>(rowsByJob: [job: string, rows: readonly Row[]][], order: Order<Row>): CapturedTable {
  rowsByJob.sort(([one], [other]) => (one < other ? -1 : 1));
  const groups = rowsByJob.map(([, rows]) => rows);
  return { count: groups.reduce((sum, rows) => sum + rows.length, 0), groups: inOrder(groups, order) };
}

function* inOrder<Row>(groups: readonly (readonly Row[])[], order: Order<Row>): Generator<readonly Row[]> {
  for (const rows of groups) yield rows.toSorted(order);
}

function* chunks(header: unknown, captured: Record<SnapshotTable, CapturedTable>): Generator<Uint8Array> {
  yield* cut(`${JSON.stringify(header)}\n`);
  for (const name of snapshotTables) {
    let lines = '';
    let count = 0;
    for (const rows of captured[name].groups) {
      for (const row of rows) {
        lines += `${JSON.stringify(row)}\n`;
        count += 1;
        if (count % ROWS_PER_SLICE !== 0) continue;
        yield* cut(lines);
        lines = '';
      }
    }
    if (lines !== '') yield* cut(lines);
  }
  yield* cut('{"end":true}\n');
}

function* cut(lines: string): Generator<Uint8Array> {
  const bytes = encoder.encode(lines);
  for (let from = 0; from < bytes.length; from += SNAPSHOT_CHUNK_BYTES_MAX) {
    yield bytes.subarray(from, from + SNAPSHOT_CHUNK_BYTES_MAX);
  }
}
