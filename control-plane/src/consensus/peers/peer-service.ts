import type { DescMethod } from '@bufbuild/protobuf';
import {
  type FoundRequest,
  type FoundResponseSchema,
  type IntroduceRequest,
  type IntroduceResponseSchema,
  type JoinMemberRequest,
  type JoinMemberResponseSchema,
  type Outgoing,
  PeerService,
  type RelayExecRequest,
  type RelayLogsRequest,
  type RequestOf,
  serviceDefinition,
} from '@cell/proto';
import type { TransportEvents } from '@cell/raft';
import type {
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { addService, enteredCall, type Handlers } from '../../add-service.ts';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';
import type { Clock, EnteredCall, Guard, MembershipChange, PeerRequests, Replication } from '../../ports.ts';
import type { ForwardOutcome } from '../forward-outcome.ts';
import { IncomingMessages } from './incoming-messages.ts';
import { chunkToProto, logRequestFromProto } from './log-messages.ts';
import { memberStatusToProto } from './member-messages.ts';
import { changeFromProto, recoveryToProto, replicationToProto } from './membership-messages.ts';
import { callerOf, type MemberCall, type PeerIdentity, provenMember } from './peer-identity.ts';
import { outcomeToProto } from './proposal-messages.ts';
import { receiveSnapshot, type SnapshotCall } from './receive-snapshot.ts';
import { relayStream } from './relay-stream.ts';
import { sealingKeyFromProto } from './sealing-key-messages.ts';

type LogsCall = ServerWritableStream<RelayLogsRequest, unknown>;
type ExecCall = ServerDuplexStream<RelayExecRequest, unknown>;

/** Nodes in one report of liveness. */
const SEEN_NODES_MAX = 20_000;

export interface PeerServiceParts {
  readonly identity: PeerIdentity;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where Raft's messages and snapshots go. */
  readonly raft: TransportEvents;
  /** A peer that was away, perhaps, has opened its stream of Raft's messages. */
  readonly onPeerUp?: (peer: number) => void;
  /** As the leader of that term: has commands committed and applied. Rejects with `CELL_E_NOT_LEADER` elsewhere. */
  readonly propose: (term: number, commands: readonly Uint8Array[]) => Promise<readonly ForwardOutcome[]>;
  /** As the leader: changes the membership. Rejects with `CELL_E_NOT_LEADER` elsewhere, and then nothing was written. */
  readonly changeMembership: (change: MembershipChange) => Promise<number>;
  /** As the leader; throws `CELL_E_NOT_LEADER` elsewhere. */
  readonly replication: () => Replication;
  readonly requests: PeerRequests;
  /** What those are told who are not in the cluster yet; without it they are refused. */
  readonly introductions?: Introductions | undefined;
}

/** The calls that are answered without a cluster id. `from`: the member that calls, by its certificate. */
export interface Introductions {
  introduce(request: IntroduceRequest, from: number): Promise<Outgoing<typeof IntroduceResponseSchema>>;
  found(request: FoundRequest, from: number): Promise<Outgoing<typeof FoundResponseSchema>>;
  /** From anybody: who calls proves with a token that it may become a member. */
  joinMember(request: JoinMemberRequest, call: EnteredCall): Promise<Outgoing<typeof JoinMemberResponseSchema>>;
}

/** Adds to the server what members call on each other. Callers of another cluster are refused. */
export function registerPeerService(server: Server, parts: PeerServiceParts): void {
  const caller = refusingStrangers(parts);
  const { method } = PeerService;
  const { requests, identity } = parts;
  const nobody = { id: identity.memberId, grpc: '', peers: identity.peerAddress, http: '' };
  const own = () => identity.directory.find(identity.memberId) ?? nobody;
  const incoming = new IncomingMessages({ ...parts, caller });
  // What answered while the member was starting; it is not there in tests.
  server.removeService(serviceDefinition(PeerService) as unknown as ServiceDefinition);
  addService(server, parts.guard, PeerService, {
    ...refusals(),
    ...introductionHandlers(parts.introductions),
    exchangeMessages: untyped((call: Parameters<IncomingMessages['accept']>[0]) => incoming.accept(call)),
    sendSnapshot: untyped((call: SnapshotCall) => {
      // Without a listener, a call that its sender gives up would end the process.
      call.on('error', () => {});
      takeSnapshot(parts, caller, call).catch((error: unknown) => {
        if (!call.cancelled) call.emit('error', toServiceError(error));
      });
    }),
    relayLogs: untyped(
      relayStream(caller, identity.directory, (call: LogsCall, signal) => outputFromHere(requests, call, signal)),
    ),
    relayExec: untyped(
      relayStream(caller, identity.directory, (call: ExecCall, signal) => commandHere(requests, call, signal)),
    ),
    relayUsage: unary(caller, method.relayUsage, ({ allocationId }) => {
      const usage = requests.usage(allocationId);
      return usage === undefined ? {} : { usage };
    }),
    proposeCommands: unary(caller, method.proposeCommands, async ({ term, commands }) => {
      return { outcomes: (await parts.propose(Number(term), commands)).map(outcomeToProto) };
    }),
    reportLiveness: unary(caller, method.reportLiveness, ({ nodes }, from) => {
      if (nodes.length > SEEN_NODES_MAX) {
        throw new CellError('CELL_E_LIMIT', `Report names ${nodes.length} nodes of at most ${SEEN_NODES_MAX}`);
      }
      return { unconfirmedNodeIds: [...requests.livenessReported(from, nodes)] };
    }),
    getMember: unary(caller, method.getMember, () => memberStatusToProto(requests.ownStatus(), own())),
    crash: unary(caller, method.crash, ({ drillId }) => {
      requests.crash(drillId);
      return {};
    }),
    transfer: unary(caller, method.transfer, async ({ to }) => {
      return { leaderId: BigInt(await requests.transferLeadership(Number(to))) };
    }),
    changeMembership: unary(caller, method.changeMembership, async (request) => {
      return { index: BigInt(await parts.changeMembership(changeFromProto(request))) };
    }),
    recover: unary(caller, method.recover, async ({ request }) => {
      const order = { confirmCluster: '', force: false, ...request, survivor: Number(request?.survivor ?? 0) };
      return { response: recoveryToProto(await requests.recover(order)) };
    }),
    sendKey: unary(caller, method.sendKey, async ({ key }) => {
      await requests.keySent(sealingKeyFromProto(key));
      return {};
    }),
    getReplication: unary(caller, method.getReplication, () => replicationToProto(parts.replication())),
  });
}

async function* outputFromHere(requests: PeerRequests, { request: { request } }: LogsCall, signal: AbortSignal) {
  if (request === undefined) throw new CellError('CELL_E_INVALID', 'Request names no allocation');
  for await (const chunk of requests.openLogs(logRequestFromProto(request), signal)) yield chunkToProto(chunk);
}

async function* commandHere(requests: PeerRequests, call: ExecCall, signal: AbortSignal) {
  for await (const output of requests.openExec(call[Symbol.asyncIterator](), signal)) yield { output };
}

/** For a server that is up before its member is in a cluster: everything but introductions is refused for now. */
export function registerIntroductions(server: Server, guard: Guard, introductions: Introductions): void {
  addService(server, guard, PeerService, { ...refusals(), ...introductionHandlers(introductions) });
}

function refusals(): Handlers<typeof PeerService> {
  const starting = new CellError('CELL_E_STARTING', 'This member is still starting; try again in a moment');
  const refuse = untyped((call: { emit(event: 'error', error: unknown): unknown }, answer?: sendUnaryData<unknown>) => {
    if (answer === undefined) call.emit('error', toServiceError(starting));
    else answer(toServiceError(starting));
  });
  const names = Object.keys(PeerService.method);
  return Object.fromEntries(names.map((name) => [name, refuse])) as Handlers<typeof PeerService>;
}

function introductionHandlers(introductions: Introductions | undefined) {
  if (introductions === undefined) return {};
  const { method } = PeerService;
  return {
    introduce: unary(provenMember, method.introduce, (request, from) => {
      const memberId = Number(request.memberId);
      if (memberId === from) return introductions.introduce(request, from);
      const message = `Member "${memberId}" was introduced by who has the certificate of member "${from}"`;
      throw new CellError('CELL_E_FORBIDDEN', message);
    }),
    found: unary(provenMember, method.found, (request, from) => introductions.found(request, from)),
    joinMember: unary(enteredCall, method.joinMember, (request, call) => introductions.joinMember(request, call)),
  };
}

/** grpc-js wants handlers to take anything. */
function untyped<H>(handler: H): UntypedHandleCall {
  return handler as UntypedHandleCall;
}

/** Names the caller of a call, or throws. Strangers are logged once each: they try again and again. */
function refusingStrangers({ identity, log }: PeerServiceParts): (call: MemberCall) => number {
  const strangersMax = 100;
  const told = new Set<string>();
  return (call) => {
    try {
      return callerOf(call.metadata, provenMember(call), identity);
    } catch (error) {
      const { message } = error as Error;
      if (!told.has(message) && told.size < strangersMax) {
        told.add(message);
        log.error({ code: error instanceof CellError ? error.code : 'CELL_E_INTERNAL' }, message);
      }
      throw error;
    }
  };
}

async function takeSnapshot(
  { raft, clock, log, identity }: PeerServiceParts,
  caller: (call: MemberCall) => number,
  call: SnapshotCall,
): Promise<void> {
  const from = caller(call);
  await receiveSnapshot(call, clock, async (message, data) => {
    if (message.from !== from || message.to !== identity.memberId) {
      throw new CellError('CELL_E_INVALID', `Snapshot from member "${message.from}" came from member "${from}"`);
    }
    const index = message.snapshot?.meta.index ?? 0;
    log.info({ peer: from, index }, `Receiving the snapshot at index ${index} from member ${from}`);
    await raft.onSnapshot(message, data);
  });
}

function unary<M extends DescMethod, C>(
  caller: (call: MemberCall) => C,
  _method: M,
  handle: (request: RequestOf<M>, from: C) => Outgoing<M['output']> | Promise<Outgoing<M['output']>>,
): UntypedHandleCall {
  return untyped((call: ServerUnaryCall<RequestOf<M>, unknown>, answer: sendUnaryData<unknown>): void => {
    const respond = () => handle(call.request, caller(call));
    // Inside a promise, so that what is thrown at once is answered too.
    Promise.resolve()
      .then(respond)
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(toServiceError(error)),
      );
  });
}
