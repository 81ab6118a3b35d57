/** What comes with calls besides their messages' own fields: tokens in metadata, and places to go on from. */
import { fromBinary } from '@bufbuild/protobuf';
import { AgentError } from '@cell/agent';
import { dropDoubled, readJournal } from '@cell/agent/readers';
import * as control from '@cell/control-plane/readers';
import { CellError } from '@cell/control-plane/readers';
import { makeToken, secretHash, tokenText } from '@cell/identity';
import { ListAuditRequestSchema } from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { coded, type FuzzTarget, texts, utf8 } from '../fuzz-target.ts';
import { randomMessage } from '../random-message.ts';

const TOKEN = makeToken('access', 'ab'.repeat(32));
const TEXT = tokenText(TOKEN);
const NOW_MS = 1_000_000;

function authentication() {
  const { tables } = new control.TestFleet();
  const limits = { namespace: undefined, expiresAtMs: undefined, usesLeft: undefined, createdBy: 'init' };
  const row = { id: TOKEN.id, name: 'root', role: 'admin', secretHash: secretHash(TOKEN.secret), ...limits } as const;
  const authority = { id: 'a1', certificate: 'c', crossCertificate: '', sealedKey: 's' };
  control.applyCommand(tables, { kind: 'found-authority', timeMs: NOW_MS, authority, tokens: [row] }, 1);
  return new control.Authentication({ state: () => tables, wallMs: () => NOW_MS, renewExpiredWithinMs: 0 });
}

class NoMetadata extends Error {}

function metadataOf(text: string): Metadata {
  const metadata = new Metadata();
  try {
    metadata.set('authorization', text);
  } catch (cause) {
    // grpc-js takes no such text off the wire either.
    throw new NoMetadata('No value of metadata', { cause });
  }
  return metadata;
}

/** One for all: what it remembers of former calls must not let a later one in. */
const access = authentication();
const authorization: FuzzTarget = {
  name: 'authorization',
  form: 'text',
  seeds: async () => texts(`Bearer ${TEXT}`, `bearer   ${TEXT}`, TEXT, 'Basic cm9vdDpyb290', 'Bearer '),
  refuses: (error) =>
    error instanceof NoMetadata || (error instanceof CellError && error.code === 'CELL_E_UNAUTHENTICATED'),
  read: (input) => {
    const text = utf8(input);
    access.caller(metadataOf(text), undefined);
    if (!text.includes(TOKEN.secret)) throw new Error(`Let in without the secret: ${text}`);
  },
};

const CURSOR = 's=0123456789abcdef;i=2a;b=00;m=1;t=5;x=77';
const REQUEST = { allocationId: 'a', follow: false, tailLines: undefined, stream: 'both' } as const;

/** Of journald's entries, and of who wants to go on reading; both to an agent. */
const cursors: FuzzTarget = {
  name: 'log-cursors',
  form: 'text',
  seeds: async () => texts(CURSOR, `${CURSOR}\n${CURSOR.replace('2a', '2b')}`, 's=1;i=2', ''),
  refuses: coded(AgentError),
  read: async (input) => {
    const [before = '', ...rest] = utf8(input).split('\n');
    const entries = [...rest, before, CURSOR].map((cursor) => ({ cursor, atMs: 1, message: Buffer.from('line') }));
    dropDoubled(entries as never, before, () => new Set());
    const journal = {
      async *read() {
        yield entries;
      },
      synchronize: async () => true,
      isPersistent: () => true,
      fileHeads: () => new Set<string>(),
    };
    const reading = { id: 'a', unit: 'u', request: { ...REQUEST, cursor: before }, isComplete: () => true, journal };
    for await (const _ of readJournal(reading as never, new AbortController().signal));
  },
};

const ENTRIES = 700;
/** Where to go on in the audit log, and how far. */
const pages: FuzzTarget = {
  name: 'index-cursors',
  form: 'bytes',
  seeds: async () => [Buffer.from([0x08, 0x05, 0x10, 0x02]), Buffer.alloc(0)],
  madeOnly: true,
  make: (random) => randomMessage(random, ListAuditRequestSchema),
  refuses: () => false,
  read: (input) => {
    const { afterSequence, limit } = fromBinary(ListAuditRequestSchema, input);
    let listed = 0;
    for (const { entries = [] } of control.listAudit(audited(), { afterSequence, limit } as never)) {
      listed += entries.length;
    }
    const rest = afterSequence >= BigInt(ENTRIES) ? 0 : ENTRIES - Number(afterSequence);
    if (listed !== (limit === 0 ? rest : Math.min(rest, limit))) throw new Error(`It lists ${listed} entries`);
  },
};

let auditedOnce: ReturnType<typeof makeAudited> | undefined;
function audited() {
  auditedOnce ??= makeAudited();
  return auditedOnce;
}

function makeAudited() {
  const { tables } = new control.TestFleet();
  const note = { actor: 'a', method: 'm', subject: 's', from: 'f', outcome: 'ok', count: 1 };
  control.applyCommand(tables, { kind: 'note-audit', timeMs: NOW_MS, notes: Array(ENTRIES).fill(note) }, 1);
  return tables;
}

export const callTargets: readonly FuzzTarget[] = [authorization, cursors, pages];
