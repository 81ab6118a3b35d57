import { CellError } from '../cell-error.ts';
import type { TokenRole } from '../model/identity.ts';
import type { SealingKey } from '../ports.ts';
import type { NewAuthority, NewToken } from '../state/commands.ts';

/** What a member has to know of the authorities before it has any state. */
export interface AuthorityBook {
  /** Name of the cluster. */
  readonly cluster: string;
  /** The newest last: that is the one that issues. Never empty. */
  readonly authorities: readonly NewAuthority[];
  /** Raft index of the state that they are from: what an older state says does not count. 0: of no state yet. */
  readonly index: number;
  /** Those that the first leader writes down, besides the first authority. */
  readonly tokens: readonly NewToken[];
}

/** What files and messages say first; others are refused. */
const FORMAT = 1;

/** Of one cluster there are a few, and one or two keys. */
const ENTRIES_MAX = 100;

export function renderBook({ cluster, authorities, index, tokens }: AuthorityBook): string {
  const kept = authorities.map(({ id, certificate, crossCertificate, sealedKey }) => ({
    id,
    certificate,
    crossCertificate,
    sealedKey,
  }));
  return `${JSON.stringify({ format: FORMAT, cluster, index, authorities: kept, tokens }, undefined, 2)}\n`;
}

/** `from`: whence the text is, for people. Throws `CELL_E_SEALED`. */
export function parseBook(text: string, from: string): AuthorityBook {
  const { cluster, authorities, index, tokens } = parseObject(text, from);
  const book = {
    cluster: readText(cluster, from),
    authorities: readList(authorities, from).map((each) => readAuthority(each, from)),
    index: readNumber(index, from),
    tokens: readList(tokens, from).map((each) => readToken(each, from)),
  };
  if (book.authorities.length === 0) throw damaged(from);
  return book;
}

export function renderKeyring(keys: readonly SealingKey[]): string {
  const rendered = keys.map(({ key, ...rest }) => ({ ...rest, key: Buffer.from(key).toString('base64url') }));
  return `${JSON.stringify({ format: FORMAT, keys: rendered }, undefined, 2)}\n`;
}

/** Throws `CELL_E_SEALED`. */
export function parseKeyring(text: string, from: string): readonly SealingKey[] {
  const keys = readList(parseObject(text, from)['keys'], from).map((each) => {
    const { id, key, createdAtMs } = each as Record<string, unknown>;
    return {
      id: readText(id, from),
      key: new Uint8Array(Buffer.from(readText(key, from), 'base64url')),
      createdAtMs: readNumber(createdAtMs, from),
    };
  });
  if (keys.length === 0 || !keys.every(isSealingKey)) throw damaged(from);
  return keys;
}

/** Whether it has the form of one; it may be from another machine. */
export function isSealingKey({ id, key }: SealingKey): boolean {
  return /^[0-9a-f]{16}$/.test(id) && key.length === 32;
}

export function parseObject(text: string, from: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (isObject(value) && value['format'] === FORMAT) return value;
  } catch {
    // Said below; the text itself may be secret.
  }
  throw damaged(from);
}

function readAuthority(value: object, from: string): NewAuthority {
  const { id, certificate, crossCertificate, sealedKey } = value as Record<string, unknown>;
  return {
    id: readText(id, from),
    certificate: readText(certificate, from),
    crossCertificate: readText(crossCertificate, from),
    sealedKey: readText(sealedKey, from),
  };
}

const ROLES: readonly TokenRole[] = ['viewer', 'operator', 'admin', 'agent', 'control-plane'];

/** What is undefined is not in JSON. */
function readToken(value: object, from: string): NewToken {
  const { id, name, role, namespace, secretHash, createdBy, expiresAtMs, usesLeft } = value as Record<string, unknown>;
  if (!ROLES.includes(role as TokenRole)) throw damaged(from);
  return {
    id: readText(id, from),
    name: readText(name, from),
    role: role as TokenRole,
    namespace: namespace === undefined ? undefined : readText(namespace, from),
    secretHash: readText(secretHash, from),
    createdBy: readText(createdBy, from),
    expiresAtMs: expiresAtMs === undefined ? undefined : readNumber(expiresAtMs, from),
    usesLeft: usesLeft === undefined ? undefined : readNumber(usesLeft, from),
  };
}

function readList(value: unknown, from: string): readonly object[] {
  if (!Array.isArray(value) || value.length > ENTRIES_MAX || !value.every(isObject)) throw damaged(from);
  return value;
}

export function readText(value: unknown, from: string): string {
  if (typeof value !== 'string') throw damaged(from);
  return value;
}

export function readNumber(value: unknown, from: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw damaged(from);
  return value as number;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function damaged(from: string): CellError {
  const message = `"${from}" is damaged, or of another version. Put it back from a copy, or from another member`;
  return new CellError('CELL_E_SEALED', message);
}
