import type { DescMethod } from '@bufbuild/protobuf';
import {
  callUnary,
  type ExecInput,
  type ExecOutput,
  type ExecStart,
  methodDefinition,
  type Outgoing,
  PeerService,
  type RelayLogsResponse,
  type ResponseOf,
  type Usage,
} from '@cell/proto';
import type { CallOptions, Metadata, ServiceError } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import { answeredError } from '../../grpc-error.ts';
import type {
  LogChunk,
  LogRequest,
  MemberAddress,
  MemberStatus,
  MembershipChange,
  PeerRequests,
  Peers,
  RecoveryOrder,
  RecoveryOutcome,
  Replication,
  SealingKey,
  SeenNode,
  UnconfirmedNodes,
} from '../../ports.ts';
import type { ForwardOutcome } from '../forward-outcome.ts';
import { runAtPeer } from './exec-call.ts';
import { failureReason } from './failure-reason.ts';
import { chunkFromProto, logRequestToProto } from './log-messages.ts';
import { memberStatusFromProto } from './member-messages.ts';
import { changeToProto, recoveryFromProto, replicationFromProto } from './membership-messages.ts';
import type { PeerChannels } from './peer-channels.ts';
import { identityMetadata, type PeerIdentity } from './peer-identity.ts';
import { outcomeFromProto } from './proposal-messages.ts';
import { sealingKeyToProto } from './sealing-key-messages.ts';

type UnaryMethod = DescMethod & { methodKind: 'unary' };

/** Calls to other members; calls to this member itself go straight to what answers its peers. */
export class GrpcPeers implements Peers {
  readonly #identity: PeerIdentity;
  readonly #channels: PeerChannels;
  readonly #metadata: Metadata;
  readonly #wallMs: () => number;
  #own: PeerRequests | undefined;

  constructor(identity: PeerIdentity, channels: PeerChannels, wallMs: () => number) {
    this.#identity = identity;
    this.#channels = channels;
    this.#wallMs = wallMs;
    this.#metadata = identityMetadata(identity);
  }

  get members(): readonly MemberAddress[] {
    return this.#identity.directory.members;
  }

  /** Who answers calls to this member itself. */
  answerOwn(requests: PeerRequests): void {
    this.#own = requests;
  }

  async reportLiveness(to: number, seen: readonly SeenNode[], timeoutMs: number): Promise<UnconfirmedNodes> {
    if (to === this.#identity.memberId) return this.#ownRequests().livenessReported(to, seen);
    const nodes = seen.map(({ nodeId, ageMs }) => ({ nodeId, ageMs: Math.max(0, Math.round(ageMs)) }));
    return (await this.#call(to, PeerService.method.reportLiveness, { nodes }, timeoutMs)).unconfirmedNodeIds;
  }

  async member(to: number, timeoutMs: number): Promise<MemberStatus> {
    if (to === this.#identity.memberId) return this.#ownRequests().ownStatus();
    return memberStatusFromProto(await this.#call(to, PeerService.method.getMember, {}, timeoutMs));
  }

  async crash(to: number, drillId: string, timeoutMs: number): Promise<void> {
    if (to === this.#identity.memberId) return this.#ownRequests().crash(drillId);
    await this.#call(to, PeerService.method.crash, { drillId }, timeoutMs);
  }

  async transfer(toLeader: number, target: number, timeoutMs: number): Promise<number> {
    if (toLeader === this.#identity.memberId) return this.#ownRequests().transferLeadership(target);
    const answer = await this.#call(toLeader, PeerService.method.transfer, { to: BigInt(target) }, timeoutMs);
    return Number(answer.leaderId);
  }

  async recover(survivor: number, order: RecoveryOrder, timeoutMs: number): Promise<RecoveryOutcome> {
    if (survivor === this.#identity.memberId) return this.#ownRequests().recover(order);
    const request = { request: { ...order, survivor: BigInt(order.survivor) } };
    return recoveryFromProto(await this.#call(survivor, PeerService.method.recover, request, timeoutMs));
  }

  /** Has the leader change the membership; gives the change's Raft index. */
  async changeMembership(toLeader: number, change: MembershipChange, timeoutMs: number): Promise<number> {
    const { changeMembership } = PeerService.method;
    return Number((await this.#call(toLeader, changeMembership, changeToProto(change), timeoutMs)).index);
  }

  async replication(leader: number, timeoutMs: number): Promise<Replication> {
    return replicationFromProto(await this.#call(leader, PeerService.method.getReplication, {}, timeoutMs));
  }

  async *relayLogs(to: number, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    if (to === this.#identity.memberId) {
      yield* this.#ownRequests().openLogs(request, signal);
      return;
    }
    const { path, requestSerialize, responseDeserialize } = methodDefinition(PeerService.method.relayLogs);
    const call = this.#channels
      .client(to)
      .makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { request: logRequestToProto(request) },
        this.#metadata,
      );
    const parts = this.#untilAborted(to, call, call as AsyncIterable<RelayLogsResponse>, signal);
    for await (const part of parts) yield chunkFromProto(part);
  }

  async *relayExec(
    to: number,
    start: ExecStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput | undefined> {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(PeerService.method.relayExec);
    const call = this.#channels
      .client(to)
      .makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
    yield* this.#untilAborted(to, call, runAtPeer(call, start, input), signal);
  }

  async relayUsage(to: number, allocationId: string, timeoutMs: number): Promise<Usage | undefined> {
    if (to === this.#identity.memberId) return this.#ownRequests().usage(allocationId);
    return (await this.#call(to, PeerService.method.relayUsage, { allocationId }, timeoutMs)).usage;
  }

  async sendKey(to: number, key: SealingKey, timeoutMs: number): Promise<void> {
    if (to === this.#identity.memberId) return this.#ownRequests().keySent(key);
    await this.#call(to, PeerService.method.sendKey, { key: sealingKeyToProto(key) }, timeoutMs);
  }

  /** What a stream from a peer gives; the call is cancelled when the reader stops, or the signal aborts. */
  async *#untilAborted<T>(
    to: number,
    call: { cancel(): void },
    messages: AsyncIterable<T>,
    signal: AbortSignal,
  ): AsyncIterable<T> {
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      yield* messages;
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#failure(to, error);
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  }

  /** Whether a call to the peer would be sent now. */
  connected(to: number): boolean {
    return this.#channels.connected(to);
  }

  /** Passes commands on to the leader of that term; one outcome for each. Only `CELL_E_NOT_LEADER` says that none was written. */
  async proposeCommands(
    to: number,
    term: number,
    commands: readonly Uint8Array[],
    timeoutMs: number,
  ): Promise<readonly ForwardOutcome[]> {
    const request = { term: BigInt(term), commands: [...commands] };
    const answer = await this.#call(to, PeerService.method.proposeCommands, request, timeoutMs);
    if (answer.outcomes.length === commands.length) return answer.outcomes.map(outcomeFromProto);
    const message = `Member "${to}" answered ${answer.outcomes.length} of ${commands.length} commands`;
    throw new CellError('CELL_E_PEER_UNREACHABLE', message);
  }

  async #call<M extends UnaryMethod>(
    to: number,
    method: M,
    request: Outgoing<M['input']>,
    timeoutMs: number,
  ): Promise<ResponseOf<M>> {
    const options: CallOptions = { deadline: this.#wallMs() + timeoutMs };
    try {
      return (await callUnary(this.#channels.client(to), method, request, this.#metadata, options)) as ResponseOf<M>;
    } catch (error) {
      throw this.#failure(to, error);
    }
  }

  #failure(to: number, error: unknown): Error {
    if (error instanceof CellError) return error;
    const answered = answeredError(error);
    if (answered !== undefined) return answered;
    const address = this.#identity.directory.find(to)?.peers ?? '';
    const why = failureReason(error as Partial<ServiceError>, address);
    return new CellError('CELL_E_PEER_UNREACHABLE', `Cannot reach member ${to} at "${address}": ${why}`, {
      cause: error,
    });
  }

  #ownRequests(): PeerRequests {
    if (this.#own !== undefined) return this.#own;
    throw new CellError('CELL_E_NO_LEADER', 'Member is still starting; try again in a moment');
  }
}
