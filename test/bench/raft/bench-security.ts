import { Authority, authorityPlaces } from '@cell/control-plane/authority';
import { TlsTransport } from '@cell/control-plane/listen';
import { plainTransport } from '@cell/control-plane/testing';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { FleetIdentity } from '../../cluster/harness/fleet-identity.ts';

/** How members under measurement are connected: in plain text, or by TLS, with what the folder's authority issues. */
export type BenchSecurity = 'plain' | { readonly folder: string };

const LIFETIME_MS = 24 * 3_600_000;
/** Of the product. */
const SETTINGS = {
  connections: 20_000,
  connectionsPerSource: 1024,
  handshakes: 512,
  handshakeMs: 10_000,
  renewExpiredWithinMs: 7 * LIFETIME_MS,
};

/** An authority for members under measurement, below the folder. */
export async function makeSecurity(folder: string): Promise<BenchSecurity> {
  await FleetIdentity.make(folder, 'bench');
  return { folder: FleetIdentity.folderIn(folder) };
}

/** In one word, for a child's arguments. */
export function securityWord(security: BenchSecurity): string {
  return security === 'plain' ? security : security.folder;
}

/** The transport of one member. Both sides believe what is said over it: who may do what is not measured here. */
export async function benchTransport(word: string, memberId: number, clock: Clock, log: Logger) {
  if (word === 'plain') return plainTransport();
  const parts = { ...authorityPlaces(word), memberId, clock, lifetimeMs: LIFETIME_MS, log };
  const identity = await Authority.open(parts);
  return new TlsTransport({ identity, settings: SETTINGS, clock, log, registry: new Registry() });
}

type Clock = Parameters<typeof Authority.open>[0]['clock'];
