import { secretKey } from '../../model/identity.ts';
import { FleetTables } from '../fleet-tables.ts';
import { SNAPSHOT_LINE_BYTES_MAX } from '../limits.ts';
import { StateError } from '../state-error.ts';
import { auditShape, authorityShape, nodeIdentityShape, secretShape, tokenShape } from './identity-shapes.ts';
import {
  allocationReader,
  drillShape,
  eventShape,
  jobShape,
  jobVersionShape,
  memberShape,
  nodeShape,
  recoveryShape,
} from './row-shapes.ts';
import type { Shape } from './shape.ts';
import { countedTables, headerShape, SNAPSHOT_VERSION, type SnapshotHeader, type SnapshotTable } from './snapshot.ts';

/**
 * Builds the tables from what `captureTables` gave, cut into chunks in whatever way. Rejects with `StateError`
 * CELL_E_SNAPSHOT_DAMAGED if anything is missing, too much, or not sound; then nothing of it can be used.
 */
export async function restoreTables(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FleetTables> {
  const reader = new SnapshotReader();
  const lines = new LineSplitter();
  for await (const chunk of chunks) {
    try {
      for (const line of lines.push(chunk)) reader.line(line);
    } catch (cause) {
      throw cause instanceof StateError ? cause : damaged(reader.lineNumber + 1, messageOf(cause), cause);
    }
  }
  if (lines.pendingBytes > 0) throw damaged(reader.lineNumber + 1, 'the line has no end');
  return reader.finish();
}

const END_LINE = '{"end":true}';
const NEWLINE = 0x0a;

type RowWriters = { readonly [Table in SnapshotTable]: (tables: FleetTables, value: unknown) => void };

/** For one snapshot. */
function rowWriters(): RowWriters {
  return {
    members: rowWriter(memberShape, (tables, row) => {
      if (tables.members.has(row.id)) throw new Error('The member is there twice');
      tables.putMember(row);
    }),
    recoveries: rowWriter(recoveryShape, (tables, row) => tables.appendRecovery(row)),
    nodes: rowWriter(nodeShape, (tables, row) => {
      if (tables.nodes.has(row.id) || tables.nodeByName(row.name) !== undefined)
        throw new Error('The node is there twice');
      tables.putNode(row);
    }),
    jobs: rowWriter(jobShape, (tables, row) => {
      if (tables.jobs.has(row.name)) throw new Error('The job is there twice');
      tables.putJob(row);
    }),
    jobVersions: rowWriter(jobVersionShape, (tables, row) => {
      if (!tables.jobs.has(row.job)) throw new Error(`Its job "${row.job}" is missing`);
      tables.putJobVersion(row);
    }),
    allocations: rowWriter(allocationReader(), (tables, row) => {
      if (!tables.jobs.has(row.job)) throw new Error(`Its job "${row.job}" is missing`);
      if (!tables.addAllocation(row)) throw new Error('The allocation is there twice');
    }),
    drills: rowWriter(drillShape, (tables, row) => tables.putDrill(row)),
    events: rowWriter(eventShape, (tables, row) => tables.appendEvents([row])),
    ...identityWriters,
  };
}

/** Those that hold nothing of one snapshot. */
const identityWriters = {
  tokens: rowWriter(tokenShape, (tables, row) => {
    if (tables.tokens.has(row.id) || tables.identity.tokenByName(row.name) !== undefined)
      throw new Error('The token is there twice');
    tables.identity.putToken(row);
  }),
  nodeIdentities: rowWriter(nodeIdentityShape, (tables, row) => {
    if (tables.nodeIdentities.has(row.nodeId)) throw new Error('The identity is there twice');
    tables.identity.putNode(row);
  }),
  authorities: rowWriter(authorityShape, (tables, row) => {
    if (tables.authorities.some(({ id }) => id === row.id)) throw new Error('The authority is there twice');
    tables.identity.putAuthority(row);
  }),
  secrets: rowWriter(secretShape, (tables, row) => {
    if (tables.secrets.has(secretKey(row))) throw new Error('The secret is there twice');
    tables.identity.putSecret(row);
  }),
  audit: rowWriter(auditShape, (tables, row) => tables.identity.appendAudit(row)),
};

function rowWriter<Row>(shape: Shape<Row>, write: (tables: FleetTables, row: Row) => void) {
  return (tables: FleetTables, value: unknown) => write(tables, shape(value, ''));
}

class SnapshotReader {
  /** The last one that was sound. */
  lineNumber = 0;
  readonly #tables = new FleetTables();
  readonly #writers = rowWriters();
  #missing: { readonly table: SnapshotTable; rows: number }[] | undefined;
  #ended = false;

  /** Throws whatever says best what is wrong; the caller adds where. */
  line(text: string): void {
    this.#accept(text);
    this.lineNumber += 1;
  }

  finish(): FleetTables {
    if (!this.#ended) throw damaged(this.lineNumber + 1, 'the end is missing');
    return this.#tables;
  }

  #accept(text: string): void {
    if (this.#ended) throw new Error('There is something after the end');
    if (this.#missing === undefined) {
      this.#begin(headerShape(JSON.parse(text), ''));
      return;
    }
    while (this.#missing[0]?.rows === 0) this.#missing.shift();
    const next = this.#missing[0];
    if (next === undefined) {
      if (text !== END_LINE) throw new Error('It should be the end');
      this.#ended = true;
      return;
    }
    this.#writers[next.table](this.#tables, JSON.parse(text));
    next.rows -= 1;
  }

  #begin(header: SnapshotHeader): void {
    if (header.version < 1 || header.version > SNAPSHOT_VERSION) {
      const found = `format version ${header.version}`;
      throw damaged(
        1,
        `it has ${found}, and this control plane reads up to ${SNAPSHOT_VERSION}; run the version that wrote it`,
      );
    }
    this.#tables.setIndex(header.index);
    this.#tables.identity.auditAnchor = header.auditAnchor;
    this.#missing = countedTables(header);
  }
}

/** Puts lines together again that chunks have cut anywhere, also within a character. */
class LineSplitter {
  pendingBytes = 0;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #pending: Uint8Array[] = [];

  *push(given: Uint8Array): Generator<string> {
    // A buffer finds a byte several times as fast.
    const chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield this.#take(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(given.slice(from));
  }

  /** A copy is kept: the giver may use its buffer again before the line is whole. */
  #keep(copy: Uint8Array): void {
    this.pendingBytes += copy.length;
    if (this.pendingBytes > SNAPSHOT_LINE_BYTES_MAX) {
      const limit = `${SNAPSHOT_LINE_BYTES_MAX} bytes`;
      throw new StateError('CELL_E_SNAPSHOT_DAMAGED', `The snapshot is damaged: it has a line of over ${limit}`);
    }
    this.#pending.push(copy);
  }

  #take(last: Uint8Array): string {
    if (this.#pending.length === 0) return this.#decoder.decode(last);
    const text =
      this.#pending.map((part) => this.#decoder.decode(part, { stream: true })).join('') + this.#decoder.decode(last);
    this.#pending = [];
    this.pendingBytes = 0;
    return text;
  }
}

function damaged(lineNumber: number, why: string, cause?: unknown): StateError {
  const message = `The snapshot is damaged at line ${lineNumber}: ${why}; fetch it again from another member`;
  return new StateError('CELL_E_SNAPSHOT_DAMAGED', message, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
