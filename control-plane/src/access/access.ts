/** The guard of a member: who calls, whether it may, not too often, and what is noted of it. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { callerKey } from '../caller-counts.ts';
import { CellError } from '../cell-error.ts';
import { addressBlock } from '../model/address-block.ts';
import { refusalSubject } from '../model/refusal-cause.ts';
import type { Caller, Clock, ConnectionFacts, Consensus, EnteredCall, Guard, GuardedCall } from '../ports.ts';
import { addAccessMetrics, type RefusalCounters } from './access-metrics.ts';
import { actorOf, methodNameOf } from './actor.ts';
import { AdmittedCall } from './admitted-call.ts';
import { AuditRecorder } from './audit-recorder.ts';
import { Authentication } from './authenticate.ts';
import { checkRights } from './check-rights.ts';
import { type MethodRights, rightsOf } from './method-rights.ts';
import { type RateLimitSettings, RateLimits } from './rate-limits.ts';
import { streamCost } from './stream-cost.ts';

export interface AccessParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  /** See `Transport.connection`. */
  readonly connection: (peer: string) => ConnectionFacts | undefined;
  readonly limits: RateLimitSettings;
  /** How long after its end a node's certificate is still good for renewing it. */
  readonly renewExpiredWithinMs: number;
}

/** A message that has to wait longer asks again then. */
const STREAM_WAIT_MS_MAX = 1_000;

/** What peers say of themselves; see `identityMetadata` of the consensus. */
const CLAIMED_MEMBER_KEY = 'cell-member-id';

/**
 * For both of a member's ports. Made before the member is in a cluster: until `follow`, it lets in members and those that
 * join, and tells all others to come again.
 */
export class Access implements Guard {
  readonly #parts: AccessParts;
  readonly #authentication: Authentication;
  readonly #limits: RateLimits;
  readonly #recorder: AuditRecorder;
  readonly #counters: RefusalCounters;
  #consensus: Pick<Consensus, 'state' | 'submit'> | undefined;

  constructor(parts: AccessParts) {
    const { clock, limits, registry, renewExpiredWithinMs } = parts;
    this.#parts = parts;
    const state = () => this.#consensus?.state;
    this.#authentication = new Authentication({ state, wallMs: () => clock.wallMs(), renewExpiredWithinMs });
    this.#limits = new RateLimits(limits);
    this.#recorder = new AuditRecorder(parts);
    this.#counters = addAccessMetrics(registry, this.#recorder, () => state()?.audit[0]?.timeMs);
  }

  /** The member is in a cluster. */
  follow(consensus: Pick<Consensus, 'state' | 'submit'>): void {
    this.#consensus = consensus;
    this.#recorder.follow(consensus);
  }

  stop(): void {
    this.#recorder.stop();
  }

  enter(method: DescMethod, call: GuardedCall): EnteredCall {
    const peer = call.getPeer();
    const rights = rightsOf(method);
    let from = withoutPort(peer);
    let caller: Caller = { kind: 'nobody' };
    try {
      const facts = this.#connection(peer, from);
      from = facts?.address ?? from;
      if (rights === undefined) throw new CellError('CELL_E_FORBIDDEN', `Nobody may call ${methodNameOf(method)}`);
      if (rights.who !== 'anybody') caller = this.#proven(call.metadata, facts, from);
      this.#count(caller, from, rights);
      checkRights(caller, rights, methodNameOf(method));
      if (rights.who === 'member') checkClaim(caller, call.metadata);
    } catch (error) {
      this.#refused(error, actorOf(caller), methodNameOf(method), from);
      throw error;
    }
    const admit: EnteredCall['admit'] =
      rights.who === 'member'
        ? admitAtOnce
        : (message, pass) => this.#admit(method, limitKey(caller, from), message, pass);
    const confirm = () => this.#confirm(method, call.metadata, peer, rights);
    const { noted } = rights;
    return new AdmittedCall({ caller, from, method: methodNameOf(method), noted, confirm, admit }, this.#recorder);
  }

  /** Counts for no limit a second time. */
  #confirm(method: DescMethod, metadata: Metadata, peer: string, rights: MethodRights): void {
    if (rights.who === 'anybody') return;
    const facts = this.#parts.connection(peer);
    const from = facts?.address ?? withoutPort(peer);
    let caller: Caller = { kind: 'nobody' };
    try {
      caller = this.#authentication.caller(metadata, facts);
      checkRights(caller, rights, methodNameOf(method));
    } catch (error) {
      // Of one whose connection has gone nobody can tell who it was, and nobody waits for the answer.
      if (facts !== undefined) this.#refused(error, actorOf(caller), methodNameOf(method), from);
      throw error;
    }
  }

  /** Whoever says too much on its streams is read later, and nothing is refused: what it said is in its own buffers. */
  #admit(method: DescMethod, identity: string, message: unknown, pass: () => void): () => void {
    let owed = streamCost(method, message);
    let cancel = () => {};
    const attempt = (first: boolean) => {
      const { waitMs, ...rest } = this.#limits.takeFromStream(identity, owed, this.#nowMs());
      if (waitMs === 0) {
        pass();
        return;
      }
      if (first) this.#counters.delayed();
      owed = rest;
      cancel = this.#parts.clock.after(Math.min(waitMs, STREAM_WAIT_MS_MAX), () => attempt(false));
    };
    attempt(true);
    return () => cancel();
  }

  /** Throws what the connection is refused for: that it came with a certificate that is no good. */
  #connection(peer: string, from: string): ConnectionFacts | undefined {
    try {
      return this.#parts.connection(peer);
    } catch (error) {
      this.#failed(error, 'certificate', from);
      throw error;
    }
  }

  #proven(metadata: Metadata, facts: ConnectionFacts | undefined, from: string): Caller {
    try {
      return this.#authentication.caller(metadata, facts);
    } catch (error) {
      this.#failed(error, metadata.get('authorization').length > 0 ? 'token' : 'certificate', from);
      throw error;
    }
  }

  /** Throws `CELL_E_RATE_LIMITED` if there are too many. */
  #failed(error: unknown, means: 'token' | 'certificate', from: string): void {
    if (!(error instanceof CellError) || error.code !== 'CELL_E_UNAUTHENTICATED') return;
    this.#counters.failed(means);
    this.#limits.takeFailure(addressBlock(from), this.#nowMs());
  }

  /** Members' calls among each other are not limited: how many they are is the cluster's own doing. */
  #count(caller: Caller, from: string, { who }: MethodRights): void {
    if (who === 'anybody') this.#limits.takeJoin(addressBlock(from), this.#nowMs());
    else if (caller.kind !== 'member' || who !== 'member') this.#limits.takeCall(limitKey(caller, from), this.#nowMs());
  }

  #refused(error: unknown, actor: string, method: string, from: string): void {
    if (!(error instanceof CellError) || error.code === 'CELL_E_STARTING') return;
    this.#counters.refused(error.code);
    this.#recorder.add({ actor, method, subject: refusalSubject(error.refusal), from }, error.code);
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }
}

/** How much members say to each other is the cluster's own doing. */
function admitAtOnce(_: unknown, pass: () => void): () => void {
  pass();
  return nothing;
}

function nothing(): void {}

function limitKey(caller: Caller, from: string): string {
  return callerKey(caller) ?? `from ${addressBlock(from)}`;
}

/** A member speaks for itself only. */
function checkClaim(caller: Caller, metadata: Metadata): void {
  const claimed = metadata.get(CLAIMED_MEMBER_KEY)[0];
  if (caller.kind !== 'member' || claimed === undefined || claimed === String(caller.id)) return;
  const message = `Member "${caller.id}" speaks as member "${String(claimed).slice(0, 20)}": its certificate is another's`;
  throw new CellError('CELL_E_FORBIDDEN', message);
}

/** Of "host:port" and "[host]:port", as grpc-js gives it. */
function withoutPort(peer: string): string {
  const host = peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return host.replace(/^::ffff:/, '');
}
