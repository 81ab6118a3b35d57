/** What strangers, people, nodes and members can say to a member's three ports, most of it wrong. */
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import { type Credentials, channelCredentials, channelSecurityOptions, type Subject } from '@cell/identity';
import {
  AgentService,
  AllocationService,
  CommandService,
  ControlPlaneService,
  DrillService,
  FleetService,
  IdentityService,
  JobService,
  NodeService,
  PeerService,
  SecretService,
} from '@cell/proto';
import { Client, Metadata } from '@grpc/grpc-js';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { randomMessage } from '../random-message.ts';
import { type AttackedMember, NODE_ID } from './attacked-member.ts';
import { callWithBytes } from './call-with-bytes.ts';
import { recordClientHello } from './client-hello.ts';
import { goodConnections } from './http2-frames.ts';
import { sayInside, sayPlain } from './say.ts';
import { sessionAttack } from './session-attack.ts';

/** Who may do so can end a member by them, rightly; or has it wait for members that are not there. */
const LEFT_OUT = new Set([
  'CrashLeader',
  'RecoverQuorum',
  'Crash',
  'Recover',
  'AddMember',
  'PromoteMember',
  'RemoveMember',
  'ChangeMembership',
  'TransferLeadership',
  'Transfer',
]);
const PEOPLE = [
  IdentityService,
  SecretService,
  FleetService,
  NodeService,
  JobService,
  AllocationService,
  ControlPlaneService,
  CommandService,
  DrillService,
];
const MESSAGES_PER_STREAM = 3;
const NODE: Subject = { kind: 'node', id: NODE_ID };
/** One that is not there: a member that is unknown is believed if its certificate says that it is one. */
const OTHER_MEMBER: Subject = { kind: 'member', id: 2 };

export interface Attack {
  readonly name: string;
  /** Does one; says what came of it. */
  once(random: Random): Promise<string>;
}

export async function portAttacks(member: AttackedMember): Promise<readonly Attack[]> {
  const { ports, adminToken, authority } = member;
  const hellos = [await recordClientHello()];
  const requests = HTTP_REQUESTS.map((text) => Buffer.from(text));
  const connections = goodConnections(adminToken);
  const node = authority.credentials(NODE);
  const security = (credentials: Credentials) => ({ cert: credentials.chain, key: credentials.privateKey });
  return [
    {
      name: 'tls',
      once: (random) => sayPlain(anyOf(random, ports.grpc, ports.peers), mutate(hellos, 'bytes', random)),
    },
    { name: 'http', once: (random) => sayPlain(ports.http, mutate(requests, 'text', random)) },
    { name: 'agent-http', once: (random) => sayPlain(ports.agentHttp, mutate(requests, 'text', random)) },
    {
      name: 'http2',
      once: (random) => sayInside(anyOf(random, ports.grpc, ports.peers), mutate(connections, 'bytes', random), {}),
    },
    {
      name: 'http2-of-nodes',
      once: (random) => sayInside(ports.grpc, mutate(connections, 'bytes', random), security(node)),
    },
    calls(
      member,
      'calls-of-people',
      ports.grpc,
      PEOPLE.flatMap((service) => service.methods),
      undefined,
    ),
    calls(member, 'calls-of-nodes', ports.grpc, AgentService.methods, NODE),
    {
      name: 'sessions-of-nodes',
      once: sessionAttack({
        port: ports.grpc,
        trust: authority.certificate,
        credentials: node,
        nodeId: NODE_ID,
        clusterId: member.clusterId,
      }),
    },
    calls(member, 'calls-of-members', ports.peers, PeerService.methods, OTHER_MEMBER),
  ];
}

function anyOf(random: Random, ...items: readonly number[]): number {
  return random.pick(items);
}

const HTTP_REQUESTS = [
  'GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n',
  'GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n',
  'GET /v1/sd HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HEAD /livez?a=%00 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /readyz HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n',
];

/** Calls whose messages are sound protobuf, or not even that. */
function calls(
  { authority, adminToken, clusterId }: AttackedMember,
  name: string,
  port: number,
  all: readonly DescMethod[],
  subject: Subject | undefined,
): Attack {
  const credentials = subject === undefined ? undefined : authority.credentials(subject);
  const options = { ...channelSecurityOptions, 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(
    `127.0.0.1:${port}`,
    channelCredentials({ trust: [authority.certificate], credentials }),
    options,
  );
  const methods = all.filter((method) => !LEFT_OUT.has(method.name));
  const metadata = new Metadata();
  if (subject === undefined) metadata.set('authorization', `Bearer ${adminToken}`);
  if (subject?.kind === 'member') {
    metadata.set('cell-cluster-id', clusterId);
    metadata.set('cell-member-id', String(subject.id));
  }
  return {
    name,
    once: async (random) => {
      const method = random.pick(methods);
      const messages = Array.from({ length: 1 + random.below(MESSAGES_PER_STREAM) }, () =>
        anyMessage(random, method.input),
      );
      return `${method.name} ${await callWithBytes(client, method, messages, metadata)}`;
    },
  };
}

function anyMessage(random: Random, schema: DescMessage): Buffer {
  const message = randomMessage(random, schema);
  return random.once(4) ? mutate([message], 'bytes', random) : message;
}
