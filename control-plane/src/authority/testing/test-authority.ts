import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Credentials, pinOf, type Subject } from '@cell/identity';
import { type AuthorityPlaces, readBook, readKeyring } from '../authority-folder.ts';
import { type CertificateTimes, makeSubjectCertificate } from '../make-certificate.ts';
import { makeSealingKey } from '../sealing.ts';
import { makeAuthority, makeKeyPair, openAuthority, type SigningAuthority } from '../signing-authority.ts';

const HOUR_MS = 3_600_000;

/** Makes certificates that nobody should have: of another authority, for anybody, at any time. */
export class TestAuthority {
  readonly #signing: SigningAuthority;
  readonly #chain: string;

  /** One that no member knows. `before`: the one that it follows, which signs it too. */
  static make(nowMs: number = Date.now(), before?: TestAuthority): TestAuthority {
    const key = makeSealingKey(nowMs);
    const signing = openAuthority(makeAuthority(key, nowMs, before === undefined ? undefined : before.#signing), [key]);
    return new TestAuthority(signing, before === undefined ? '' : signing.row.crossCertificate + before.#chain);
  }

  /** The one that issues by what is on a member's disk: whoever has it can make anything. */
  static async ofMember(places: AuthorityPlaces): Promise<TestAuthority> {
    const book = await readBook(places);
    const signing = openAuthority(book!.authorities.at(-1)!, await readKeyring(places));
    return new TestAuthority(signing, '');
  }

  private constructor(signing: SigningAuthority, chain: string) {
    this.#signing = signing;
    this.#chain = chain === '' ? signing.row.certificate : chain;
  }

  /** Self-signed, PEM. */
  get certificate(): string {
    return this.#signing.row.certificate;
  }

  /** SHA-256 of its public key, hexadecimal. */
  get pin(): string {
    return pinOf(this.certificate);
  }

  /** A new key and its certificate; `times` default to from an hour ago until in an hour. */
  credentials(subject: Subject, times: Partial<CertificateTimes> = {}): Credentials {
    const { privateKey, publicKey } = makeKeyPair();
    return { privateKey: pem(privateKey), chain: this.certificateOf(subject, publicKey, times) };
  }

  /** For a key that somebody else has; `publicKey`: SubjectPublicKeyInfo, DER. With what follows it in its chain. */
  certificateOf(subject: Subject, publicKey: Uint8Array, times: Partial<CertificateTimes> = {}): string {
    const nowMs = Date.now();
    const whole = { beginsAtMs: nowMs - HOUR_MS, endsAtMs: nowMs + HOUR_MS, ...times };
    return makeSubjectCertificate(subject, publicKey, this.#signing, whole) + this.#chain;
  }
}

/** Of a chain in PEM, its own certificate first. */
export function certificatesOf(chain: string): X509Certificate[] {
  return chain
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .flatMap((text) => (text === '' ? [] : [new X509Certificate(text)]));
}

function pem(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
