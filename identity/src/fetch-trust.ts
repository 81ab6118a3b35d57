import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { beginsLaterText } from './clock-skew.ts';
import { connectionProblem } from './connection-problem.ts';
import { checkMember, pinOf, SERVER_NAME, TLS_VERSION, type Trust } from './credentials.ts';
import { IdentityError } from './identity-error.ts';

/** Certificates that a server sends are few; more are not looked at. */
const CHAIN_MAX = 8;
/** A second look at who has just answered. */
const LOOK_MS_MAX = 2_000;

/**
 * Asks a member for the authority that a pin stands for: gives its certificate if the member has it, and has a
 * certificate from it that is valid now. Nothing secret is said before. Rejects with `CELL_E_UNTRUSTED` (it may be
 * somebody in between), `CELL_E_CERTIFICATE_EXPIRED`, `CELL_E_CLOCK_SKEW`, `CELL_E_WRONG_PEER`, `CELL_E_UNREACHABLE`.
 */
export async function fetchTrust(address: string, pin: string, timeoutMs: number, nowMs: number): Promise<Trust> {
  const chain = await serverChain(address, timeoutMs);
  return checkPinned(chain, pin, address, nowMs);
}

/**
 * TLS says that a certificate begins later, and not when: if `error` is that, looks at the certificate again, and gives
 * an error that tells by how much the clocks differ. Undefined if it is anything else, or can't be seen any more.
 */
export async function explainedSkew(
  error: unknown,
  address: string,
  nowMs: number,
): Promise<IdentityError | undefined> {
  const { code } = error as { code?: unknown };
  const skewed = code === 'CELL_E_CLOCK_SKEW' || connectionProblem(error, address)?.code === 'CELL_E_CLOCK_SKEW';
  if (!skewed) return undefined;
  const chain = await serverChain(address, LOOK_MS_MAX).catch(() => []);
  const latest = chain.reduce((last, { validFromDate }) => Math.max(last, validFromDate.getTime()), 0);
  return latest > nowMs ? beginsLater(address, new Date(latest), nowMs) : undefined;
}

/** See `fetchTrust`. `chain`: as the server sent it, its own certificate first. */
export function checkPinned(chain: readonly X509Certificate[], pin: string, address: string, nowMs: number): Trust {
  const pinned = chain.filter((certificate) => certificate.ca && sentPin(certificate) === pin);
  const authority = pinned.find((certificate) => signed(certificate, certificate)) ?? pinned[0];
  if (authority === undefined || !leadsTo(chain, authority)) {
    const message =
      `The control plane at "${address}" is not the one that the token is for: it does not have the authority that ` +
      'the token pins. Check the address; if the authority was rotated, make a new token';
    throw new IdentityError('CELL_E_UNTRUSTED', message);
  }
  checkTimes(chain, authority, address, nowMs);
  const wrong = checkMember({ subjectaltname: chain[0]!.subjectAltName } as DetailedPeerCertificate, undefined);
  if (wrong !== undefined) throw wrong;
  return [authority.toString()];
}

/** Whether each certificate up to the authority is signed by the next. */
function leadsTo(chain: readonly X509Certificate[], authority: X509Certificate): boolean {
  let current = chain[0]!;
  for (let steps = 0; steps < CHAIN_MAX; steps += 1) {
    if (sentPin(current) === pinOf(authority)) return true;
    const issuer = chain.find((each) => each !== current && each.ca && signed(current, each));
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
}

/** Whoever answers may send anything as a public key: one that is none has no pin, and signs nothing. */
function sentPin(certificate: X509Certificate): string | undefined {
  try {
    return pinOf(certificate);
  } catch {
    return undefined;
  }
}

function signed(certificate: X509Certificate, by: X509Certificate): boolean {
  try {
    return certificate.checkIssued(by) && certificate.verify(by.publicKey);
  } catch {
    return false;
  }
}

function checkTimes(
  chain: readonly X509Certificate[],
  authority: X509Certificate,
  address: string,
  nowMs: number,
): void {
  for (const { validFromDate, validToDate } of [chain[0]!, authority]) {
    const here = new Date(nowMs).toISOString();
    if (nowMs < validFromDate.getTime()) {
      throw beginsLater(address, validFromDate, nowMs);
    }
    if (nowMs > validToDate.getTime()) {
      const message =
        `The certificate of "${address}" ended at ${validToDate.toISOString()}, and here it is ${here}. If this clock ` +
        'is right, look at the control plane (cellctl control-plane status); else set it (timedatectl)';
      throw new IdentityError('CELL_E_CERTIFICATE_EXPIRED', message);
    }
  }
}

function beginsLater(address: string, begins: Date, nowMs: number): IdentityError {
  const message = `The certificate of "${address}" ${beginsLaterText(begins.getTime(), nowMs)}`;
  return new IdentityError('CELL_E_CLOCK_SKEW', message);
}

function serverChain(address: string, timeoutMs: number): Promise<X509Certificate[]> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(address.slice(at + 1)),
      servername: SERVER_NAME,
      minVersion: TLS_VERSION,
      ALPNProtocols: ['h2'],
      // Nothing is trusted yet; what it sends is checked against the pin, and nothing is said.
      rejectUnauthorized: false,
    });
    const fail = (reason: string, cause?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(
        new IdentityError('CELL_E_UNREACHABLE', `Cannot reach the control plane at "${address}": ${reason}`, { cause }),
      );
    };
    // In all: who sends a byte now and then keeps nobody waiting.
    const timer = setTimeout(() => fail(`no answer in ${timeoutMs} ms`), timeoutMs);
    // Errors that come after the end are of no interest, but would end the process.
    socket.on('error', (error) => fail(error.message, error));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      try {
        resolve(sentChain(socket));
        socket.destroy();
      } catch (error) {
        fail('it sends what is no certificate', error as Error);
      }
    });
  });
}

function sentChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < CHAIN_MAX) {
    const certificate = new X509Certificate(next.raw);
    if (chain.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) break;
    chain.push(certificate);
    next = next.issuerCertificate;
  }
  return chain;
}
