import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveHttp } from '@cell/agent/readers';
import { HttpAccess } from '@cell/config';
import { authorityPlaces, initialize, startMember } from '@cell/control-plane';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import { loadMemberConfig } from '@cell/control-plane/testing';
import { type CellClient, connect, silenceTransport } from '@cell/sdk';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { joinNodes, simulatedId } from '../../bench/agents/join-nodes.ts';
import { freePorts } from '../../cluster/harness/free-ports.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { scratchFile } from '../scratch-file.ts';

const CLUSTER = 'fuzz';
const JOIN_TOKEN_MS = 3_600_000;
/** The one that has joined. */
const NODE_NAME = 'n1';
export const NODE_ID = simulatedId(NODE_NAME);
const CALL_TIMEOUT_MS = 20_000;
/** Nobody is to be turned away for coming often. */
const LIMITS = [
  'calls_per_second',
  'calls_burst',
  'failures_per_minute',
  'failures_burst',
  'joins_per_minute',
  'joins_burst',
  'messages_per_second',
  'messages_burst',
]
  .map((name) => `${name} = 1000000`)
  .join('\n');

/** A cluster of one member in this process, as it is in life: everything over TLS, and rights by tokens. */
export interface AttackedMember {
  readonly ports: { readonly grpc: number; readonly peers: number; readonly http: number; readonly agentHttp: number };
  readonly clusterId: string;
  /** Its admin. */
  readonly client: CellClient;
  readonly adminToken: string;
  /** Makes certificates of the cluster's own authority, for anybody. */
  readonly authority: TestAuthority;
  /** What it logged as an error, or said before it gave up. */
  readonly errors: readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

export async function startAttackedMember(): Promise<AttackedMember> {
  // As the daemon does: it would write what callers say, tokens too, to standard error.
  silenceTransport();
  const folder = mkdtempSync(join(tmpdir(), 'cell-fuzz-member-'));
  const [grpc, peers, http] = (await freePorts(3)) as [number, number, number];
  const at = (port: number) => `"127.0.0.1:${port}"`;
  const text = `id = 1
cluster = "${CLUSTER}"
data = "${folder}"
members = [{ id = 1, grpc = ${at(grpc)}, peers = ${at(peers)}, http = ${at(http)} }]
[listen]
grpc = ${at(grpc)}
peers = ${at(peers)}
http = ${at(http)}
[limits]
${LIMITS}
`;
  const config = loadMemberConfig({ file: scratchFile('member.toml', Buffer.from(text)) });
  const clock = { wallMs: () => Date.now() };
  const places = authorityPlaces(folder);
  const agents = { name: 'agents', role: 'agent', uses: 10, ttlMs: JOIN_TOKEN_MS } as const;
  const who = { cluster: CLUSTER, memberId: 1, memberIds: [1], clock, tokens: [agents] };
  const { adminToken, tokens } = await initialize({ ...places, ...who });
  const errors: Record<string, unknown>[] = [];
  const log = pino({ level: 'error' }, { write: (line) => errors.push(JSON.parse(line) as Record<string, unknown>) });
  const onFatal = (error: Error) => errors.push({ fatal: error.message });
  const member = await startMember(config, { log, onFatal });
  const client = connect({
    addresses: [`127.0.0.1:${grpc}`],
    timeoutMs: CALL_TIMEOUT_MS,
    identity: { token: adminToken },
  });
  await waitFor(() => client.fleet.getFleetStatus({}), { what: 'the member to lead' });
  const agentHttp = await serveAgentHttp();
  const authority = await TestAuthority.ofMember(places);
  const operator = { token: adminToken, trust: [authority.certificate] };
  await joinNodes(`127.0.0.1:${grpc}`, { agentToken: tokens['agents']!, operator }, [NODE_NAME]);
  return {
    ports: { grpc, peers, http, agentHttp: Number(agentHttp.address.split(':').at(-1)) },
    clusterId: member.clusterId,
    client,
    adminToken,
    authority,
    errors,
    async stop() {
      client.close();
      await agentHttp.close();
      await member.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As an agent serves it, to all that have the token. */
function serveAgentHttp() {
  const token = scratchFile('http-token', Buffer.from('0123456789abcdef'));
  const access = new HttpAccess({
    allow: [],
    token_file: token,
    monotonicMs: () => performance.now(),
    onProblem: (problem) => {
      throw new Error(problem);
    },
  });
  const refusal: HttpAccess['refusal'] = (...request) => access.refusal(...request);
  return serveHttp('127.0.0.1:0', { metrics: new Registry(), notReady: () => 'No session', refusal });
}
