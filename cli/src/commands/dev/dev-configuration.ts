/** How member and agent of a fleet of one are configured. */
import { join } from 'node:path';
import type { AgentConfig } from '@cell/agent';
import type { MemberConfig } from '@cell/control-plane';

const CLUSTER = 'dev';
const NODE_NAME = 'dev';
const MEMBER_ID = 1;
const HOUR_MS = 3_600_000;

export interface DevPlaces {
  readonly folder: string;
  /** "host:port" each. */
  readonly grpc: string;
  readonly peers: string;
  readonly http: string;
  readonly agentHttp: string;
}

export function devPlaces(folder: string, firstPort: number): DevPlaces {
  const at = (offset: number) => `127.0.0.1:${firstPort + offset}`;
  return { folder, grpc: at(0), peers: at(1), http: at(2), agentHttp: at(3) };
}

export function memberConfig({ folder, grpc, peers, http }: DevPlaces): MemberConfig {
  const listen = { grpc, peers, http };
  return {
    id: MEMBER_ID,
    cluster: CLUSTER,
    data: join(folder, 'control-plane'),
    keyring: undefined,
    join_token: undefined,
    join_token_file: undefined,
    listen,
    members: [{ id: MEMBER_ID, ...listen }],
    raft: { heartbeat: 50, election: 400, lease_reads: false },
    leases: { duration: 10_000, heartbeat: 3_000, margin: 2_000 },
    certificates: { lifetime: 24 * HOUR_MS, renew_expired_within: 7 * 24 * HOUR_MS },
    limits: LIMITS,
    http: HTTP,
    log: { level: 'info' },
  };
}

/** As many as a member has by default: nobody else is there. */
const LIMITS: MemberConfig['limits'] = {
  calls_per_second: 2_000,
  calls_burst: 4_000,
  messages_per_second: 10_000,
  messages_burst: 20_000,
  failures_per_minute: 20,
  failures_burst: 20,
  joins_per_minute: 120,
  joins_burst: 120,
  connections: 20_000,
  connections_per_address: 1_024,
  handshakes: 512,
  handshake_time: 10_000,
};

/** Who may read what the daemons say of themselves. */
const HTTP: MemberConfig['http'] = { allow: ['loopback'], token_file: undefined };

export function agentConfig({ folder, grpc, agentHttp }: DevPlaces, joinToken: string): AgentConfig {
  return {
    name: NODE_NAME,
    data: join(folder, 'agent'),
    // It may run beside a real agent of this machine, and leaves nothing behind.
    runtime: 'process',
    secrets: join(folder, 'secrets'),
    controlPlane: [grpc],
    joinToken,
    joinTokenPlace: 'this fleet',
    joinTokenFile: undefined,
    address: '127.0.0.1',
    listenHttp: agentHttp,
    http: HTTP,
    cpuMillis: undefined,
    memoryMib: undefined,
    portFirst: 20_000,
    portLast: 29_999,
    attributes: {},
  };
}
