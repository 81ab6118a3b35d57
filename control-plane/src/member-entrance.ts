/** How a member comes up to the point at which it is in a cluster: who it is, where it listens, whom it waits for. */
import { randomBytes, randomUUID } from 'node:crypto';
import { splitAddress } from '@cell/config';
import { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { MemberConfig } from './config/member-config.ts';
import { peerServerOptions } from './consensus/peers/channel-options.ts';
import { registerIntroductions } from './consensus/peers/peer-service.ts';
import { MemberCalls } from './founding/ask-members.ts';
import { enterCluster } from './founding/enter-cluster.ts';
import { IdentityStore } from './founding/identity-store.ts';
import type { MemberIdentity } from './founding/member-identity.ts';
import { MemberReception } from './founding/receive-members.ts';
import { startHttpServer } from './http/http-server.ts';
import type { MemberStanding } from './http/readiness.ts';
import { memberRoutes, type RouteParts } from './http/routes.ts';
import { shutdownServer } from './listen/shutdown-server.ts';
import type { Clock, Transport } from './ports.ts';
import { finishRecovery } from './recovery/recover-log.ts';
import type { StartedParts } from './started-parts.ts';

const CLUSTER_ID_BYTES = 8;

export interface EntranceParts {
  readonly config: MemberConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly transport: Transport;
}

type Served = Pick<RouteParts, 'unreadiness' | 'targets'> & { readonly description: () => string };

/** A member that listens, and is not in a cluster yet, as far as it knows. */
export interface Entrance {
  readonly identities: IdentityStore;
  readonly reception: MemberReception;
  /** Where peers call: only introductions are answered until the member takes part. */
  readonly peerServer: Server;
  /** What /readyz says while the member does not serve. */
  waitFor(reason: string): void;
  /** What is served over HTTP from now on, and how a member that is ready describes itself. */
  serve(served: Served): void;
  /** How the member is now. */
  standing(): MemberStanding;
  /** Resolves once the member is in a cluster; see `enterCluster`. */
  enter(): Promise<MemberIdentity>;
  /** Ends calls of peers; a second time it does nothing. */
  closePeerServer(): Promise<void>;
}

/** Opens the data folder and listens for peers and on HTTP. */
export async function openEntrance(parts: EntranceParts, registry: Registry, started: StartedParts): Promise<Entrance> {
  const { config, clock, log, transport } = parts;
  const identities = await openIdentity(config);
  started.onStop(() => identities.close());
  await finishRecovery(identities, log);
  const calls = new MemberCalls(transport, clock.wallMs);
  started.onStop(() => calls.close());
  const reception = new MemberReception({
    store: identities,
    configured: config.members,
    calls,
    log,
    wallMs: clock.wallMs,
  });
  const peerServer = new Server(peerServerOptions);
  const closePeerServer = once(() => shutdownServer(peerServer));
  registerIntroductions(peerServer, reception);
  started.onStop(closePeerServer);
  await transport.listen(peerServer, config.listen.peers, 'listen.peers');
  let reason = 'Starting';
  const waitFor = (what: string) => {
    reason = what;
  };
  let served: Served = { unreadiness: () => reason, targets: () => [], description: () => '' };
  await listenHttp(parts, registry, () => served, started);
  const serve = (next: Served) => {
    served = next;
  };
  const standing = () => {
    const why = served.unreadiness();
    return { ready: why === undefined, text: why ?? served.description() };
  };
  const enter = () =>
    enterCluster({ ...parts, store: identities, configured: config.members, calls, makeClusterId, waiting: waitFor });
  return { identities, reception, peerServer, waitFor, serve, standing, enter, closePeerServer };
}

export function openIdentity({ data, id, cluster }: MemberConfig): Promise<IdentityStore> {
  return IdentityStore.open({ folder: data, memberId: id, cluster, incarnation: randomUUID });
}

/** No two clusters ever get the same one. */
export function makeClusterId(): string {
  return randomBytes(CLUSTER_ID_BYTES).toString('hex');
}

async function listenHttp(
  { config, log }: EntranceParts,
  registry: Registry,
  served: () => Served,
  started: StartedParts,
): Promise<void> {
  const routes = memberRoutes({
    registry,
    unreadiness: () => served().unreadiness(),
    targets: () => served().targets(),
  });
  const { host, port } = splitAddress(config.listen.http)!;
  const onError = (error: unknown, path: string) => log.error({ err: error, path }, 'An HTTP request failed');
  await started.add(startHttpServer({ host, port, routes, onError }));
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
