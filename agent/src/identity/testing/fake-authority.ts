/** Certificates for tests: of one authority, and as odd as a test wants them. Written by hand as RFC 5280, section 4. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { type Credentials, pinOf } from '@cell/identity';

const DAY_MS = 86_400_000;
const SKEW_MS = 310_000;

/** From and until when a certificate is good, milliseconds since 1970. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

export function aroundNow(lifetimeMs = DAY_MS): Validity {
  return { fromMs: Date.now() - SKEW_MS, untilMs: Date.now() + lifetimeMs };
}

export class FakeAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #name: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(name = 'authority', validity = aroundNow()) {
    this.#name = name;
    const constraints = extension(BASIC_CONSTRAINTS, der(SEQUENCE, TRUE));
    this.certificate = this.#signed(name, spkiOf(this.#keys.publicKey), validity, constraints);
  }

  get pin(): string {
    return pinOf(this.certificate);
  }

  /** Certificate for the subject "cell:…" and its key (SubjectPublicKeyInfo, DER), and the authority's own; PEM. */
  issue(subject: string, publicKey: Uint8Array, validity = aroundNow()): string {
    const names = extension(SUBJECT_ALTERNATIVE_NAME, der(SEQUENCE, der(URI, Buffer.from(subject))));
    return `${this.#signed(subject, publicKey, validity, names)}${this.certificate}`;
  }

  /** With a key of its own. */
  credentials(subject: string, validity = aroundNow()): Credentials {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const chain = this.issue(subject, spkiOf(publicKey), validity);
    return { chain, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #signed(subject: string, publicKey: Uint8Array, { fromMs, untilMs }: Validity, extensions: Buffer): string {
    const content = der(
      SEQUENCE,
      der(VERSION, der(INTEGER, Buffer.from([2]))),
      der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      SIGNATURE_ALGORITHM,
      name(this.#name),
      der(SEQUENCE, time(fromMs), time(untilMs)),
      name(subject),
      Buffer.from(publicKey),
      der(EXTENSIONS, der(SEQUENCE, extensions)),
    );
    const signature = Buffer.concat([Buffer.from([0]), sign('sha256', content, this.#keys.privateKey)]);
    const whole = der(SEQUENCE, content, SIGNATURE_ALGORITHM, der(BIT_STRING, signature));
    const lines = whole
      .toString('base64')
      .replaceAll(/(.{64})/g, '$1\n')
      .trimEnd();
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

const [BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT, UTF8, UTC_TIME] = [1, 2, 3, 4, 6, 12, 23] as const;
const [SEQUENCE, SET, VERSION, EXTENSIONS, URI] = [0x30, 0x31, 0xa0, 0xa3, 0x86] as const;
const TRUE = der(BOOLEAN, Buffer.from([0xff]));
/** 1.2.840.10045.4.3.2 */
const SIGNATURE_ALGORITHM = der(SEQUENCE, der(OBJECT, Buffer.from('2a8648ce3d040302', 'hex')));
/** 2.5.4.3 */
const COMMON_NAME = der(OBJECT, Buffer.from('550403', 'hex'));
/** 2.5.29.19 */
const BASIC_CONSTRAINTS = Buffer.concat([der(OBJECT, Buffer.from('551d13', 'hex')), TRUE]);
/** 2.5.29.17 */
const SUBJECT_ALTERNATIVE_NAME = der(OBJECT, Buffer.from('551d11', 'hex'));

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

function name(text: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from(text)))));
}

/** YYMMDDHHMMSSZ */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/[^\d]/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return der(SEQUENCE, id, der(OCTET_STRING, value));
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}
