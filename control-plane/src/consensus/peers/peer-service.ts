import type { DescMethod } from '@bufbuild/protobuf';
import { type Outgoing, PeerService, type RequestOf, serviceDefinition } from '@cell/proto';
import type { TransportEvents } from '@cell/raft';
import type { Metadata, Server, ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from '../../cell-error.ts';
import { toServiceError } from '../../grpc-error.ts';
import type { Clock, PeerRequests } from '../../ports.ts';
import type { ForwardOutcome } from '../forward-outcome.ts';
import { IncomingMessages } from './incoming-messages.ts';
import { memberStatusToProto } from './member-messages.ts';
import { callerOf, type PeerIdentity } from './peer-identity.ts';
import { outcomeToProto } from './proposal-messages.ts';
import { receiveSnapshot, type SnapshotCall } from './receive-snapshot.ts';
import { relayLogs } from './relay-logs.ts';

/** Nodes in one report of liveness. */
const SEEN_NODES_MAX = 20_000;

export interface PeerServiceParts {
  readonly identity: PeerIdentity;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where Raft's messages and snapshots go. */
  readonly raft: TransportEvents;
  /** A peer that was away, perhaps, has opened its stream of Raft's messages. */
  readonly onPeerUp?: (peer: number) => void;
  /** As the leader of that term: has commands committed and applied. Rejects with `CELL_E_NOT_LEADER` elsewhere. */
  readonly propose: (term: number, commands: readonly Uint8Array[]) => Promise<readonly ForwardOutcome[]>;
  readonly requests: PeerRequests;
}

/** Adds to the server what members call on each other. Callers of another cluster are refused. */
export function registerPeerService(server: Server, parts: PeerServiceParts): void {
  const caller = refusingStrangers(parts);
  const { method } = PeerService;
  const { requests, identity } = parts;
  const own = identity.members.find((member) => member.id === identity.memberId)!;
  const incoming = new IncomingMessages({ ...parts, caller });
  server.addService(serviceDefinition(PeerService) as unknown as ServiceDefinition, {
    exchangeMessages: (call: Parameters<IncomingMessages['accept']>[0]) => incoming.accept(call),
    sendSnapshot: (call: SnapshotCall, answer: sendUnaryData<object>) => {
      takeSnapshot(parts, caller, call).then(
        () => answer(null, {}),
        (error) => answer(toServiceError(error)),
      );
    },
    relayLogs: relayLogs(caller, requests),
    proposeCommands: unary(caller, method.proposeCommands, async ({ term, commands }) => {
      return { outcomes: (await parts.propose(Number(term), commands)).map(outcomeToProto) };
    }),
    reportLiveness: unary(caller, method.reportLiveness, ({ nodes }, from) => {
      if (nodes.length > SEEN_NODES_MAX) {
        throw new CellError('CELL_E_LIMIT', `Report names ${nodes.length} nodes of at most ${SEEN_NODES_MAX}`);
      }
      return { unconfirmedNodeIds: [...requests.livenessReported(from, nodes)] };
    }),
    getMember: unary(caller, method.getMember, () => memberStatusToProto(requests.ownStatus(), own)),
    crash: unary(caller, method.crash, ({ drillId }) => {
      requests.crash(drillId);
      return {};
    }),
    transfer: unary(caller, method.transfer, async ({ to }) => {
      return { leaderId: BigInt(await requests.transferLeadership(Number(to))) };
    }),
  });
}

/** Names the caller of a call, or throws. Strangers are logged once each: they try again and again. */
function refusingStrangers({ identity, log }: PeerServiceParts): (metadata: Metadata) => number {
  const strangersMax = 100;
  const told = new Set<string>();
  return (metadata) => {
    try {
      return callerOf(metadata, identity);
    } catch (error) {
      const { message } = error as Error;
      if (!told.has(message) && told.size < strangersMax) {
        told.add(message);
        log.error({ code: 'CELL_E_FOREIGN_CLUSTER' }, message);
      }
      throw error;
    }
  };
}

async function takeSnapshot(
  { raft, clock, log, identity }: PeerServiceParts,
  caller: (metadata: Metadata) => number,
  call: SnapshotCall,
): Promise<void> {
  const from = caller(call.metadata);
  await receiveSnapshot(call, clock, async (message, data) => {
    if (message.from !== from || message.to !== identity.memberId) {
      throw new CellError('CELL_E_INVALID', `Snapshot from member "${message.from}" came from member "${from}"`);
    }
    const index = message.snapshot?.meta.index ?? 0;
    log.info({ peer: from, index }, `Receiving the snapshot at index ${index} from member ${from}`);
    await raft.onSnapshot(message, data);
  });
}

function unary<M extends DescMethod>(
  caller: (metadata: Metadata) => number,
  _method: M,
  handle: (request: RequestOf<M>, from: number) => Outgoing<M['output']> | Promise<Outgoing<M['output']>>,
) {
  return (call: ServerUnaryCall<RequestOf<M>, unknown>, answer: sendUnaryData<unknown>): void => {
    const respond = () => handle(call.request, caller(call.metadata));
    // Inside a promise, so that what is thrown at once is answered too.
    Promise.resolve()
      .then(respond)
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(toServiceError(error)),
      );
  };
}
