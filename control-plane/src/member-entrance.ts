/** How a member comes up to the point at which it is in a cluster: who it is, where it listens, whom it waits for. */
import { randomBytes, randomUUID } from 'node:crypto';
import { HttpAccess, splitAddress } from '@cell/config';
import type { Server } from '@grpc/grpc-js';
import type { Registry } from 'prom-client';
import { guardedServer } from './add-service.ts';
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
import { shutdownServer } from './listen/index.ts';
import { type MemberSecurity, openSecurity, type SecurityParts } from './member-security.ts';
import { finishRecovery } from './recovery/recover-log.ts';
import type { StartedParts } from './started-parts.ts';

const CLUSTER_ID_BYTES = 8;

export interface EntranceParts extends SecurityParts {
  /** Told as soon as it can be asked how the member is. */
  readonly onStanding?: ((standing: () => MemberStanding) => void) | undefined;
}

type Served = Pick<RouteParts, 'unreadiness' | 'targets'> & { readonly description: () => string };

/** A member that listens, and is not in a cluster yet, as far as it knows. */
export interface Entrance {
  readonly identities: IdentityStore;
  readonly security: MemberSecurity;
  readonly reception: MemberReception;
  /** Where peers call: only introductions are answered until the member takes part. */
  readonly peerServer: Server;
  /** What /readyz says while the member does not serve. */
  waitFor(reason: string): void;
  /** What is served over HTTP from now on, and how a member that is ready describes itself. */
  serve(served: Served): void;
  /** Resolves once the member is in a cluster; see `enterCluster`. */
  enter(): Promise<MemberIdentity>;
  /** Ends calls of peers; a second time it does nothing. */
  closePeerServer(): Promise<void>;
}

/** Opens the data folder and listens for peers and on HTTP; waits for others if this machine is no member yet. */
export async function openEntrance(parts: EntranceParts, registry: Registry, started: StartedParts): Promise<Entrance> {
  const { config, clock, log } = parts;
  const identities = await openIdentity(config);
  started.onStop(() => identities.close());
  await finishRecovery(identities, log);
  let reason = 'Starting';
  const waitFor = (what: string) => {
    reason = what;
  };
  let served: Served = { unreadiness: () => reason, targets: () => [], description: () => '' };
  parts.onStanding?.(() => {
    const why = served.unreadiness();
    return { ready: why === undefined, text: why ?? served.description() };
  });
  await listenHttp(parts, registry, () => served, started);
  const security = await openSecurity(parts, registry, started, waitFor);
  const { transport, guard } = security;
  const calls = new MemberCalls(transport, config.id, clock.wallMs);
  started.onStop(() => calls.close());
  const reception = new MemberReception({
    store: identities,
    configured: config.members,
    calls,
    log,
    wallMs: clock.wallMs,
    joinMember: (request, call) => security.joins.answer(request, call),
  });
  const peerServer = guardedServer(peerServerOptions, guard);
  registerIntroductions(peerServer, guard, reception);
  const listener = await transport.listen(peerServer, config.listen.peers, 'listen.peers');
  const closePeerServer = once(() => {
    listener.close();
    return shutdownServer(peerServer);
  });
  started.onStop(closePeerServer);
  const serve = (next: Served) => {
    served = next;
  };
  const enter = () =>
    enterCluster({ ...parts, store: identities, configured: config.members, calls, makeClusterId, waiting: waitFor });
  return { identities, security, reception, peerServer, waitFor, serve, enter, closePeerServer };
}

export function openIdentity({ data, id, cluster }: MemberConfig): Promise<IdentityStore> {
  return IdentityStore.open({ folder: data, memberId: id, cluster, incarnation: randomUUID });
}

/** No two clusters ever get the same one. */
export function makeClusterId(): string {
  return randomBytes(CLUSTER_ID_BYTES).toString('hex');
}

async function listenHttp(
  { config, clock, log }: EntranceParts,
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
  const onProblem = (problem: string) => log.warn(problem);
  const access = new HttpAccess({ ...config.http, monotonicMs: () => clock.monotonicMs(), onProblem });
  const refusal = access.refusal.bind(access);
  await started.add(startHttpServer({ host, port, routes, refusal, onError }));
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
