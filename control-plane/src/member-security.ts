/** What a member proves itself with, whom it lets in, and how it comes by that: before it is in a cluster, and after. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Access, type RateLimitSettings } from './access/index.ts';
import { Authority, authorityPlaces, JoinAnswerer } from './authority/index.ts';
import type { MemberConfig } from './config/member-config.ts';
import { configuredToken, type GivenToken } from './configured-token.ts';
import { writeAuthority } from './founding/write-authority.ts';
import { joinIfNeeded } from './join-member.ts';
import { TlsTransport, type TransportSettings } from './listen/index.ts';
import type { Clock, Consensus, Guard, Transport } from './ports.ts';
import type { StartedParts } from './started-parts.ts';

export interface SecurityParts {
  readonly config: MemberConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Instead of mutual TLS. */
  readonly transport?: Transport | undefined;
  /** Instead of rights by certificates and tokens. */
  readonly guard?: Guard | undefined;
}

export interface MemberSecurity {
  readonly authority: Authority;
  readonly transport: Transport;
  readonly guard: Guard;
  /** Answers machines that want to become members. */
  readonly joins: JoinAnswerer;
  /** The member takes part in a cluster: from now on what the replicated state says counts. */
  takesPart(consensus: Consensus): void;
}

/** Waits for other members if this machine has to join first; `waiting` is told for whom. */
export async function openSecurity(
  parts: SecurityParts,
  registry: Registry,
  started: StartedParts,
  waiting: (reason: string) => void,
): Promise<MemberSecurity> {
  const { config, clock, log, signal } = parts;
  const places = authorityPlaces(config.data, config.keyring);
  const joining = { places, memberId: config.id, cluster: config.cluster, members: config.members };
  if (await joinIfNeeded({ ...joining, clock, signal, waiting }, () => joinToken(config))) {
    log.info(`This machine is member ${config.id} of cluster "${config.cluster}" now`);
  }
  const lifetimeMs = config.certificates.lifetime;
  const authority = await Authority.open({ ...places, memberId: config.id, clock, log, lifetimeMs });
  started.onStop(() => authority.stop());
  const transport = parts.transport ?? openTransport(parts, authority, registry, started);
  const access = parts.guard === undefined ? openAccess(parts, transport, registry, started) : undefined;
  let consensus: Consensus | undefined;
  return {
    authority,
    transport,
    guard: parts.guard ?? access!,
    joins: new JoinAnswerer({ places, authority, clock, log, consensus: () => consensus }),
    takesPart(running) {
      consensus = running;
      access?.follow(running);
      followAuthorities(parts, authority, running, started);
    },
  };
}

/** Asked for only if the machine is no member yet; without the file, what is told is how it becomes one. */
async function joinToken(config: MemberConfig): Promise<GivenToken | undefined> {
  try {
    return await configuredToken(config);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code === 'ENOENT') return undefined;
    throw error;
  }
}

function openTransport(
  { config, clock, log }: SecurityParts,
  identity: Authority,
  registry: Registry,
  started: StartedParts,
): Transport {
  const { limits, certificates } = config;
  const settings: TransportSettings = {
    connections: limits.connections,
    connectionsPerSource: limits.connections_per_address,
    handshakes: limits.handshakes,
    handshakeMs: limits.handshake_time,
    renewExpiredWithinMs: certificates.renew_expired_within,
  };
  const transport = new TlsTransport({ identity, settings, clock, log, registry });
  started.onStop(() => transport.close());
  return transport;
}

function openAccess(
  { config, clock, log }: SecurityParts,
  transport: Transport,
  registry: Registry,
  started: StartedParts,
): Access {
  const { limits, certificates } = config;
  const rates: RateLimitSettings = {
    callsPerSecond: limits.calls_per_second,
    callsBurst: limits.calls_burst,
    messagesPerSecond: limits.messages_per_second,
    messagesBurst: limits.messages_burst,
    failuresPerMinute: limits.failures_per_minute,
    failuresBurst: limits.failures_burst,
    joinsPerMinute: limits.joins_per_minute,
    joinsBurst: limits.joins_burst,
  };
  const connection = (peer: string) => transport.connection(peer);
  const renewExpiredWithinMs = certificates.renew_expired_within;
  const access = new Access({ clock, log, registry, connection, limits: rates, renewExpiredWithinMs });
  started.onStop(() => access.stop());
  return access;
}

/** Keeps the authorities as the replicated state has them; the first leader writes them there. */
function followAuthorities(
  { clock, log }: SecurityParts,
  authority: Authority,
  consensus: Consensus,
  started: StartedParts,
): void {
  const follow = () => {
    authority.follow(consensus.state.authorities, consensus.state.index).catch((error: unknown) => {
      const { code, message } = error as { code?: unknown; message: string };
      log.error({ code, err: error }, `This member goes on with the authorities that it had: ${message}`);
    });
  };
  started.onStop(
    consensus.onChange((change) => {
      if (change === 'replaced' || change.authorities) follow();
    }),
  );
  follow();
  started.onStop(writeAuthority({ consensus, clock, log, genesis: authority.genesis }));
}
