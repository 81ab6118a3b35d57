/** What members and agents keep, and what is made of it. */

import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '@cell/agent';
import { ExportParser, IdentityFolder, readStored, writeStored } from '@cell/agent/readers';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import * as control from '@cell/control-plane/readers';
import { CellError } from '@cell/control-plane/readers';
import { checkPinned, IdentityError, provenKey, subjectOf } from '@cell/identity';
import { verifyAudit } from '@cell/identity/audit';
import { verifyAuditLog } from '@cell/sdk';
import fc from 'fast-check';
import { coded, type FuzzTarget, texts, utf8 } from '../fuzz-target.ts';
import { scratchFile, scratchFolder } from '../scratch-file.ts';

const COMMAND_SEEDS = 60;
const stateError = (error: unknown) => /^CELL_E_(COMMAND_MALFORMED|SNAPSHOT_DAMAGED)$/.test(codeOf(error));

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

/** Commands of all kinds, as they stand in the log; what is read is applied too. */
const commands: FuzzTarget = {
  name: 'commands',
  form: 'text',
  seeds: async () =>
    fc
      .sample(control.commandArbitrary, { numRuns: COMMAND_SEEDS, seed: 5 })
      .map((command) => control.encodeCommand({ ...command, timeMs: 1_000_000 })),
  refuses: stateError,
  read: (input) => {
    const command = control.decodeCommand(input);
    const { tables } = exampleFleet();
    const { result } = control.applyCommand(tables, command, tables.index + 1);
    if (!result.ok && result.code.length === 0) throw new Error('Refused without a code');
    // What was applied can be written and read again.
    for (const chunk of control.captureTables(tables)) if (chunk.length === 0) throw new Error('Empty chunk');
  },
};

/** With a row of most kinds, to grow from. */
export function exampleFleet() {
  const fleet = new control.TestFleet();
  fleet.found(1, 2, 3);
  fleet.node('n1');
  fleet.submit({ count: 2 });
  fleet.place({ id: 'a0', ports: { http: 20_000 } });
  fleet.report('a0', 'failed', { message: 'Exit code 1', restarts: 3 });
  return fleet;
}

const snapshots: FuzzTarget = {
  name: 'snapshots',
  form: 'text',
  seeds: async () => {
    const fleet = exampleFleet();
    for (const command of fc.sample(control.commandArbitrary, { numRuns: COMMAND_SEEDS, seed: 6 }))
      fleet.apply(command);
    return [
      Buffer.concat([...control.captureTables(exampleFleet().tables)]),
      Buffer.concat([...control.captureTables(fleet.tables)]),
    ];
  },
  refuses: stateError,
  // Cut in pieces, as it comes.
  read: async (input) => {
    const pieces = [input.subarray(0, input.length / 3), input.subarray(input.length / 3)];
    const tables = await control.restoreTables(pieces);
    for (const _ of control.captureTables(tables));
  },
};

const KEY = { id: '0123456789abcdef', key: new Uint8Array(32).fill(7), createdAtMs: 1 };
const sealed: FuzzTarget = {
  name: 'sealed-values',
  form: 'text',
  seeds: async () =>
    texts(control.sealValue(KEY, Buffer.from('secret'), 'a'), control.sealValue(KEY, Buffer.alloc(0), 'b')),
  refuses: coded(CellError),
  read: (input) => void control.openSealed([KEY], utf8(input), 'a'),
};

const NEW_TOKEN = { id: 'aaaaaaaaaa', name: 'first', role: 'admin', secretHash: 'ab', createdBy: 'init' } as const;
const book: FuzzTarget = {
  name: 'authority-files',
  form: 'text',
  seeds: async () => {
    const authority = { id: 'a', certificate: 'c', crossCertificate: '', sealedKey: 's' };
    const stored = { cluster: 'c', index: 0, authorities: [authority], tokens: [{ ...NEW_TOKEN, usesLeft: 1 }] };
    const key = Buffer.from(KEY.key).toString('base64url');
    const invitations = { tokenId: 'a', secretHash: 'b', expiresAtMs: 5, given: { 2: '', 3: 'machine' } };
    return texts(
      JSON.stringify({ format: 1, ...stored }),
      JSON.stringify({ format: 1, keys: [{ ...KEY, key }] }),
      JSON.stringify({ format: 1, ...invitations }),
    );
  },
  refuses: coded(CellError),
  read: async (input) => {
    const text = utf8(input);
    const folder = join(scratchFolder(), 'authority');
    mkdirSync(folder, { recursive: true });
    scratchFile('authority/invitations.json', input);
    const readers = [
      () => control.parseBook(text, 'authorities.json'),
      () => control.parseKeyring(text, 'keyring.json'),
      () => control.readInvitations({ folder, keyring: '' }),
    ];
    const outcomes = await Promise.allSettled(readers.map(async (read) => read()));
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    const odd = refusals.find((error) => !(error instanceof CellError));
    if (odd !== undefined || refusals.length === readers.length) throw odd ?? refusals[0];
  },
};

const memberIdentity: FuzzTarget = {
  name: 'member-identity',
  form: 'text',
  seeds: async () =>
    texts(control.renderIdentity(control.newIdentity(1, 'c', 'incarnation')), '{"format":1,"content":[]}'),
  refuses: coded(CellError),
  read: (input) => void control.parseIdentity(utf8(input), 'identity.json'),
};

const authority = TestAuthority.make();
const CHAIN = authority.credentials({ kind: 'member', id: 1 });
/** A chain that somebody sends, and whom its first certificate names. */
const certificates: FuzzTarget = {
  name: 'certificates',
  form: 'bytes',
  seeds: async () => [
    Buffer.from(CHAIN.chain),
    ...[CHAIN.chain, authority.certificate].map((pem) => new X509Certificate(pem).raw),
  ],
  refuses: (error) => error instanceof IdentityError || error instanceof NoCertificate,
  read: (input) => {
    const chain = [certificateOf(input), new X509Certificate(authority.certificate)];
    subjectOf(chain[0]!.subjectAltName);
    provenKey(input, 'cell:node:a', input);
    checkPinned(chain, authority.pin, '127.0.0.1:1', Date.now());
  },
};

class NoCertificate extends Error {}

function certificateOf(input: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(input);
  } catch (cause) {
    throw new NoCertificate('No certificate', { cause });
  }
}

const HASH = 'c'.repeat(64);
const audit: FuzzTarget = {
  name: 'audit-pages',
  form: 'text',
  seeds: async () => {
    const entry = {
      sequence: 2,
      timeMs: 1,
      index: 4,
      actor: 'a',
      method: 'm',
      subject: 's',
      from: 'f',
      outcome: 'ok',
      count: 1,
    };
    return texts(
      JSON.stringify({
        anchor: HASH,
        entries: [
          { ...entry, hash: HASH },
          { ...entry, sequence: 3, hash: HASH },
        ],
      }),
    );
  },
  refuses: (error) => error instanceof SyntaxError || error instanceof NotThat,
  read: (input) => {
    const page = JSON.parse(utf8(input)) as { anchor?: unknown; entries?: unknown };
    if (typeof page?.anchor !== 'string' || !Array.isArray(page.entries)) throw new NotThat();
    if (!page.entries.every((each) => typeof each === 'object' && each !== null)) throw new NotThat();
    const found = verifyAudit(page.anchor, page.entries as never);
    const told = verifyAuditLog(page as never);
    if (found === undefined && page.entries.length > 0)
      throw new Error(`A chain was believed that nobody made: ${told}`);
  },
};

class NotThat extends Error {}

const agentState: FuzzTarget = {
  name: 'agent-state',
  form: 'text',
  seeds: async () => {
    const path = scratchFile('seed.json', Buffer.alloc(0));
    await writeStored(path, { nodeId: 'n', clusterId: 'c', generation: 4, list: [{ a: null }] }, { synced: false });
    return [readFileSync(path)];
  },
  refuses: coded(AgentError),
  read: (input) => readStored(scratchFile('node.json', input), 'advice'),
};

const agentIdentity: FuzzTarget = {
  name: 'agent-identity',
  form: 'text',
  seeds: async () => texts(CHAIN.chain, CHAIN.privateKey, `${CHAIN.chain}\n${CHAIN.privateKey}`, ''),
  refuses: coded(AgentError),
  // With the right checksum: what it holds is bad nevertheless.
  read: async (input) => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'identity'), { recursive: true });
    const text = utf8(input);
    const stored = { privateKey: text.includes('PRIVATE') ? text : CHAIN.privateKey, chain: text, trust: [] };
    await writeStored(
      join(folder, 'identity', 'identity.json'),
      { ...stored, obtainedAtMs: 1, lifetimeMs: 1 },
      { synced: false },
    );
    await new IdentityFolder(folder).open('n1');
  },
};

const ENTRY = '__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1500000000000000\nMESSAGE=hello\n_LINE_BREAK=eof\n\n';
const journal: FuzzTarget = {
  name: 'journal',
  form: 'bytes',
  seeds: async () => {
    const sized = Buffer.concat([
      Buffer.from('__CURSOR=c\nMESSAGE\n'),
      Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from('a\nb\nc\n\n'),
    ]);
    return [Buffer.from(ENTRY.repeat(3)), sized];
  },
  refuses: () => false,
  read: (input) => {
    const parser = new ExportParser();
    const half = Math.floor(input.length / 2);
    const entries = [...parser.push(input.subarray(0, half)), ...parser.push(input.subarray(half))];
    for (const entry of entries) if (typeof entry.cursor !== 'string') throw new Error('An entry without a cursor');
  },
};

export const storedTargets: readonly FuzzTarget[] = [
  commands,
  snapshots,
  sealed,
  book,
  memberIdentity,
  certificates,
  audit,
  agentState,
  agentIdentity,
  journal,
];
