/** The two calls that a node gets certificates by. Nothing here knows when, or what to do after a failure. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import {
  type Credentials,
  channelCredentials,
  explainedSkew,
  fetchTrust,
  IdentityError,
  keyProof,
  subjectOf,
  subjectUri,
  type Trust,
} from '@cell/identity';
import { AgentService, callUnary, type JoinResponse, type RenewCertificateResponse } from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { memberClient } from '../link/member-client.ts';
import type { JoinToken } from './join-token.ts';

/** Who asks, and whom. */
export interface Asking {
  /** "host:port" of a member. */
  readonly address: string;
  readonly nodeId: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export interface Issued {
  /** The certificate and those between it and the authority, PEM. */
  readonly chain: string;
  readonly trust: Trust;
  /** From now until the certificate ends, by the member's clock. */
  readonly lifetimeMs: number;
  /** The member's clock, milliseconds since 1970. */
  readonly memberTimeMs: number;
}

const ANSWER_MS_MAX = 10_000;
const GREETING_MS_MAX = 5_000;
/** More than rotations leave. */
const AUTHORITIES_MAX = 16;

/** A machine becomes a node. Rejects with `IdentityError`, or with what grpc-js gives. */
export async function askToJoin(asking: Asking & { readonly nodeName: string }, token: JoinToken): Promise<Issued> {
  const { address, nodeId, nodeName, nowMs, signal } = asking;
  // Only who has the authority that the token pins is told the token.
  const trust = await orAborted(fetchTrust(address, token.parts.pin, GREETING_MS_MAX, nowMs), signal);
  const request = { token: token.text, nodeId, nodeName, ...provenKeyOf(asking), timeMs: BigInt(nowMs) };
  return ask(asking, { trust }, AgentService.method.join, request);
}

/** The next certificate in the place of one that may have ended not too long ago. Rejects as `askToJoin` does. */
export async function askToRenew(asking: Asking, trust: Trust, chain: string): Promise<Issued> {
  const credentials = { privateKey: asking.privateKey, chain };
  return ask(asking, { trust, credentials }, AgentService.method.renewCertificate, provenKeyOf(asking));
}

async function ask(
  asking: Asking,
  security: { readonly trust: Trust; readonly credentials?: Credentials },
  method: typeof AgentService.method.join | typeof AgentService.method.renewCertificate,
  request: object,
): Promise<Issued> {
  const client = memberClient(asking.address, { credentials: () => channelCredentials(security) });
  try {
    const options = { deadline: Date.now() + ANSWER_MS_MAX };
    return issued(await callUnary(client, method, request, new Metadata(), options, asking.signal), asking);
  } catch (error) {
    throw (await explainedSkew(error, asking.address, asking.nowMs)) ?? error;
  } finally {
    client.close();
  }
}

function provenKeyOf({ nodeId, privateKey }: Asking): { readonly publicKey: Uint8Array; readonly proof: Uint8Array } {
  const key = createPrivateKey(privateKey);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { publicKey, proof: keyProof(key, publicKey, subjectUri({ kind: 'node', id: nodeId })) };
}

/** Only what this node can use: stored, anything else would lock it out. */
function issued({ chain, trust, timeMs }: JoinResponse | RenewCertificateResponse, asking: Asking): Issued {
  const certificate = certificateOf(chain);
  const subject = subjectOf(certificate?.subjectAltName);
  const own = certificate?.checkPrivateKey(createPrivateKey(asking.privateKey)) === true;
  if (!own || subject?.kind !== 'node' || subject.id !== asking.nodeId) {
    const message = `The member at "${asking.address}" answered with a certificate that is not for this node`;
    throw new IdentityError('CELL_E_WRONG_PEER', message);
  }
  const memberTimeMs = Number(timeMs);
  const lifetimeMs = Math.max(0, certificate.validToDate.getTime() - memberTimeMs);
  return { chain, trust: checkedTrust(trust, `The member at "${asking.address}"`), lifetimeMs, memberTimeMs };
}

/** As a member says them; `sender`: the beginning of a sentence. Throws `IdentityError` for what would leave this node alone. */
export function checkedTrust(trust: readonly string[], sender: string): Trust {
  const authorities = trust.length <= AUTHORITIES_MAX && trust.every((each) => certificateOf(each)?.ca === true);
  if (authorities && trust.length > 0) return trust;
  const message = `${sender} sent authorities to trust that are none; nothing was changed`;
  throw new IdentityError('CELL_E_UNTRUSTED', message);
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
