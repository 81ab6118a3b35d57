/**
 * As much of TLS 1.3 (RFC 8446) as it takes to read what a traced process sent and received, with the keys that Node
 * writes down for it (--tls-keylog, in the format of NSS).
 */
import { createDecipheriv, createHmac } from 'node:crypto';
import type { SystemCall } from './system-calls.ts';

const RECORD_HEADER_BYTES = 5;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
/** A process may be traced from the middle of a connection: so many records may have gone by before. */
const RECORDS_BEFORE_MAX = 20_000;

/** Opens the records of one direction of one connection; see section 5.3. */
class RecordKey {
  readonly #cipher: 'aes-256-gcm' | 'aes-128-gcm';
  readonly #key: Buffer;
  readonly #iv: Buffer;

  constructor(secret: Buffer) {
    const [hash, keyBytes] = secret.length === 48 ? (['sha384', 32] as const) : (['sha256', 16] as const);
    this.#cipher = secret.length === 48 ? 'aes-256-gcm' : 'aes-128-gcm';
    this.#key = expandLabel(hash, secret, 'key', keyBytes);
    this.#iv = expandLabel(hash, secret, 'iv', NONCE_BYTES);
  }

  /** Undefined unless it is the record with this number, and of this key. */
  open(record: Buffer, sequence: number): Buffer | undefined {
    const nonce = Buffer.from(this.#iv);
    for (let place = 0, rest = sequence; rest > 0; place += 1, rest = Math.floor(rest / 256)) {
      const at = NONCE_BYTES - 1 - place;
      nonce[at] = nonce[at]! ^ (rest % 256);
    }
    const decipher = createDecipheriv(this.#cipher, this.#key, nonce);
    decipher.setAAD(record.subarray(0, RECORD_HEADER_BYTES));
    decipher.setAuthTag(record.subarray(-TAG_BYTES));
    const inner = decipher.update(record.subarray(RECORD_HEADER_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return inner;
  }
}

/** Section 7.1; one block of the hash is enough for all that is asked. */
function expandLabel(hash: 'sha384' | 'sha256', secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}

/** One direction of one connection: whole records out of pieces. */
class RecordReader {
  #pending: Buffer = Buffer.alloc(0);
  #key: RecordKey | undefined;
  #sequence = 0;
  /** So many numbers are tried for the first record: it is the first of all if the greetings were seen. */
  #attempts = RECORDS_BEFORE_MAX;

  /** The plain text of all records that end in this piece. */
  push(piece: Buffer, keys: readonly RecordKey[]): Buffer {
    let bytes = Buffer.concat([this.#pending, piece]);
    const plain: Buffer[] = [];
    while (bytes.length >= RECORD_HEADER_BYTES) {
      const end = RECORD_HEADER_BYTES + bytes.readUInt16BE(3);
      if (bytes.length < end) break;
      if (bytes[0] === HANDSHAKE) this.#attempts = 1;
      else if (bytes[0] === APPLICATION_DATA) plain.push(this.#open(bytes.subarray(0, end), keys));
      bytes = bytes.subarray(end);
    }
    this.#pending = bytes;
    return Buffer.concat(plain);
  }

  #open(record: Buffer, keys: readonly RecordKey[]): Buffer {
    const inner = this.#key === undefined ? this.#search(record, keys) : this.#next(this.#key, record);
    if (inner === undefined) return Buffer.alloc(0);
    // Behind the content stands its type, and perhaps zeros.
    const last = inner.findLastIndex((byte) => byte !== 0);
    return inner[last] === APPLICATION_DATA ? inner.subarray(0, last) : Buffer.alloc(0);
  }

  #next(key: RecordKey, record: Buffer): Buffer {
    const inner = key.open(record, this.#sequence);
    if (inner === undefined) throw new Error(`Record ${this.#sequence} does not open`);
    this.#sequence += 1;
    return inner;
  }

  /** Which key it is, and how many records went by. Undefined for those of the handshake, which have keys of their own. */
  #search(record: Buffer, keys: readonly RecordKey[]): Buffer | undefined {
    for (let sequence = 0; sequence < this.#attempts; sequence += 1) {
      for (const key of keys) {
        const inner = key.open(record, sequence);
        if (inner === undefined) continue;
        this.#key = key;
        this.#sequence = sequence + 1;
        return inner;
      }
    }
    return undefined;
  }
}

/** The same calls, with the plain text of what went through sockets. `keyLog`: what Node wrote down. */
export function decryptCalls(calls: readonly SystemCall[], keyLog: string): SystemCall[] {
  const secrets = [...keyLog.matchAll(/^(?:CLIENT|SERVER)_TRAFFIC_SECRET_0 \w+ (\w+)$/gm)].map(
    ([, secret = '']) => secret,
  );
  const keys = [...new Set(secrets)].map((secret) => new RecordKey(Buffer.from(secret, 'hex')));
  const readers = new Map<string, RecordReader>();
  return calls.map((call) => {
    if (!call.target.startsWith('TCP')) return call;
    const name = `${call.name === 'read' ? 'in' : 'out'} ${call.target}`;
    const reader = readers.get(name) ?? new RecordReader();
    readers.set(name, reader);
    return { ...call, bytes: reader.push(call.bytes, keys) };
  });
}
