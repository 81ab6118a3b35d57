/** A node gets its next certificate on the one that it has. */
import type { Outgoing, RenewCertificateRequest, RenewCertificateResponseSchema } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { IssuedCertificate } from '../ports.ts';
import { readNodeKey } from './join-node.ts';
import { nodeOf } from './node-caller.ts';
import { submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

/** An authority that was just replaced still issues here for a moment; a certificate from it would be renewed at once. */
const authorityWaitMsMax = 2_000;
const authorityPollMs = 50;

/**
 * The caller may come with a certificate that has ended not long ago. Nothing is written in the audit log: every node
 * does it twice a day or more, on its own.
 */
export async function renewNode(
  parts: MadeParts,
  { publicKey, proof }: RenewCertificateRequest,
  { caller, timeoutMs }: CallContext,
): Promise<Outgoing<typeof RenewCertificateResponseSchema>> {
  const nodeId = nodeOf(caller);
  const identity = parts.consensus.state.nodeIdentities.get(nodeId);
  if (identity === undefined || identity.revokedAtMs !== undefined) {
    const message = `Node "${nodeId}" has no identity here any more; it must join anew, with another id and a token`;
    throw new CellError('CELL_E_FORBIDDEN', message);
  }
  const key = readNodeKey(publicKey, nodeId, proof);
  const { chain, authorityId, expiresAtMs: certificateExpiresAtMs } = await issue(parts, nodeId, key.publicKey);
  const node = { nodeId, keyHash: key.hash, authorityId, certificateExpiresAtMs };
  await submitCommand(parts, { kind: 'renew-node', timeMs: parts.clock.wallMs(), node }, timeoutMs);
  return { chain, trust: [...parts.issuer.trust], timeMs: BigInt(parts.clock.wallMs()) };
}

async function issue(parts: MadeParts, nodeId: string, publicKey: Uint8Array): Promise<IssuedCertificate> {
  const { clock, consensus, issuer } = parts;
  const startMs = clock.monotonicMs();
  const follows = () => issuer.pin.startsWith(consensus.state.authorities.at(-1)?.id ?? '');
  while (!follows() && clock.monotonicMs() - startMs < authorityWaitMsMax) {
    await new Promise<void>((resolve) => {
      clock.after(authorityPollMs, resolve);
    });
  }
  return issuer.issue({ kind: 'node', id: nodeId }, publicKey, parts.certificateLifetimeMs);
}
