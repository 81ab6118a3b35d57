/** Keeps what a context stores usable, without the person doing anything. */
import { X509Certificate } from 'node:crypto';
import { type CellClient, type Identity, requestCertificate } from '@cell/sdk';
import type { World } from '../world.ts';
import { readContextIdentity, trustAskedAtMs, writeContextIdentity } from './context-identity.ts';
import type { Connection } from './resolve-connection.ts';

/** Nobody shall wait long for what they did not ask for. */
const TIMEOUT_MS = 3_000;
/** Whoever runs a command so long after an authority was replaced knows the new one; see docs/security.md. */
const TRUST_MS_MAX = 5 * 60_000;

/**
 * After a command: renews a certificate of which half of the life is over, and asks now and then whom to trust, so
 * that replacing an authority goes unnoticed; both at once if it is `now`, as around such a replacement. Never rejects; what fails is tried again after the next command.
 */
export async function keepFresh(
  world: World,
  { context, identity }: Connection,
  client: CellClient,
  note: (text: string) => Promise<void>,
  when: 'if due' | 'now' = 'if due',
): Promise<void> {
  if (context === undefined || world.signal.aborted) return;
  const nowMs = world.clock.wallMs();
  const options = { timeoutMs: TIMEOUT_MS, attemptsMax: 2, signal: world.signal };
  try {
    if (identity.credentials !== undefined && identity.token === undefined) {
      const { halfOverAtMs } = lifeOf(identity.credentials.chain);
      if (when === 'if due' && nowMs < halfOverAtMs) return;
      const renewed = await requestCertificate(client, options, identity.credentials.privateKey);
      replace(context.folder, identity, renewed);
    } else if (when === 'now' || nowMs - (trustAskedAtMs(context.folder) ?? 0) > TRUST_MS_MAX) {
      const { trust } = await client.identity.getCaller({}, options);
      if (trust.length > 0) replace(context.folder, identity, { ...identity, trust });
    }
  } catch (error) {
    if (!world.signal.aborted) await note(failure(identity, context.name, error));
  }
}

/** Not if somebody has logged out, or in anew, while the command ran: what was known before is not to come back. */
function replace(folder: string, known: Identity, fresh: Identity): void {
  const now = readContextIdentity(folder);
  if (now === undefined || now.token !== known.token) return;
  if (now.credentials?.privateKey !== known.credentials?.privateKey) return;
  writeContextIdentity(folder, fresh);
}

function lifeOf(chain: string): { readonly halfOverAtMs: number } {
  const { validFromDate, validToDate } = new X509Certificate(chain);
  return { halfOverAtMs: (validFromDate.getTime() + validToDate.getTime()) / 2 };
}

function failure({ credentials }: Identity, context: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const what = credentials === undefined ? 'ask whom to trust' : 'renew the certificate';
  return `Could not ${what} for context "${context}": ${reason}`;
}
