/** What the services need from the member that they are part of. */
import type { Logger } from 'pino';
import type { Clock, ConnectionFacts, Guard, Issuer, PeerRequests, Recovery, Vault } from '../ports.ts';
import type { SessionParts } from './agent-session.ts';
import type { LogParts } from './find-logs.ts';
import type { StateParts } from './read-state.ts';
import type { ExecParts } from './run-exec.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface ServiceParts extends StateParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Lets calls in. */
  readonly guard: Guard;
  /** A new unsigned 32-bit number per call: the seed of a preview. */
  readonly random: () => number;
  readonly sessions: SessionRegistry;
  /** Where agents' reports go. */
  readonly reports: SessionParts['reports'];
  readonly clusterName: string;
  /** Seals secrets. */
  readonly vault: Vault;
  /** Makes certificates. */
  readonly issuer: Issuer;
  /** How long certificates live, in milliseconds; those of authorities excepted. */
  readonly certificateLifetimeMs: number;
  readonly connections: Connections;
  /** For when most members are lost for good. */
  readonly recovery: Recovery;
  /** Ends this process at once, as SIGKILL does: for drills. */
  readonly crashProcess: () => void;
}

/** The connections of people and agents to this member. */
export interface Connections {
  /** By `call.getPeer()`; undefined if it has gone. See `Transport.connection`. */
  connection(peer: string): ConnectionFacts | undefined;
  /** See `Listener.cut`. */
  cut(chosen: (facts: ConnectionFacts) => boolean): void;
}

/** Made from the parts, for the services. */
export interface MadeParts extends ServiceParts, LogParts, ExecParts {}

/** The part of `PeerRequests` that the services give. */
export type ServedPeerRequests = Pick<
  PeerRequests,
  'openLogs' | 'openExec' | 'usage' | 'crash' | 'transferLeadership' | 'recover' | 'keySent'
>;
