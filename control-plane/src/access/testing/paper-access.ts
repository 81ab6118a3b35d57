/** A member's guard on paper: tokens and identities in a consensus in memory, and connections as a test makes them. */
import type { DescMethod } from '@bufbuild/protobuf';
import { makeToken, type Subject, secretHash, tokenText } from '@cell/identity';
import { Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { CellError } from '../../cell-error.ts';
import { FakeClock } from '../../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../../execute/testing/memory-consensus.ts';
import type { ConnectionFacts, EnteredCall, GuardedCall } from '../../ports.ts';
import type { NewToken } from '../../state/commands.ts';
import { exampleAuthority, exampleJoin, exampleJoinToken } from '../../state/testing/identity-arbitraries.ts';
import { Access } from '../access.ts';
import type { RateLimitSettings } from '../rate-limits.ts';

const PIN = 'ab'.repeat(32);
export const HOUR_MS = 3_600_000;
export const RENEW_WITHIN_MS = 168 * HOUR_MS;

/** As a member has them if its configuration says nothing. */
const DEFAULT_LIMITS: RateLimitSettings = {
  callsPerSecond: 2_000,
  callsBurst: 4_000,
  messagesPerSecond: 10_000,
  messagesBurst: 20_000,
  failuresPerMinute: 20,
  failuresBurst: 20,
  joinsPerMinute: 120,
  joinsBurst: 120,
};

/** How a call comes. */
export interface Coming {
  readonly token?: string | undefined;
  readonly subject?: Subject | undefined;
  /** Until the certificate ends, from now on; less than 0: since then. */
  readonly validMs?: number;
  readonly address?: string;
  /** What is wrong with its certificate. */
  readonly fault?: CellError;
  readonly metadata?: Readonly<Record<string, string>>;
}

export class PaperAccess {
  readonly clock = new FakeClock();
  readonly consensus = new MemoryConsensus();
  readonly registry = new Registry();
  /** The member's own log. */
  readonly lines: Record<string, unknown>[] = [];
  readonly access: Access;
  readonly #connections = new Map<string, ConnectionFacts | CellError>();

  constructor(limits: Partial<RateLimitSettings> = {}) {
    this.access = new Access({
      clock: this.clock,
      log: pino({ level: 'info' }, { write: (line: string) => void this.lines.push(JSON.parse(line)) }),
      registry: this.registry,
      connection: (peer) => {
        const known = this.#connections.get(peer);
        if (known instanceof CellError) throw known;
        return known;
      },
      limits: { ...DEFAULT_LIMITS, ...limits },
      renewExpiredWithinMs: RENEW_WITHIN_MS,
    });
  }

  /** In a cluster that knows its authority, node "n1", and the token that it joined with. */
  static started(limits: Partial<RateLimitSettings> = {}): PaperAccess {
    const paper = new PaperAccess(limits);
    const { consensus, clock } = paper;
    const timeMs = clock.wallMs();
    const authority = exampleAuthority('a1');
    const joining = exampleJoinToken({ usesLeft: 9, expiresAtMs: timeMs + HOUR_MS });
    consensus.write({ kind: 'found-authority', timeMs, authority, tokens: [joining] });
    consensus.write({ kind: 'join-node', timeMs, node: exampleJoin({ nodeId: 'n1', name: 'n1' }) });
    paper.access.follow(consensus);
    return paper;
  }

  /** Makes a token of the state; gives its text. */
  token(role: NewToken['role'], changes: Partial<NewToken> = {}): string {
    const made = makeToken('access', PIN);
    const limits = { namespace: undefined, expiresAtMs: undefined, usesLeft: undefined };
    const token = { id: made.id, name: role, role, secretHash: secretHash(made.secret), createdBy: 'test', ...limits };
    const command = { kind: 'create-token', timeMs: this.clock.wallMs(), token: { ...token, ...changes } } as const;
    const result = this.consensus.write(command);
    if (!result.ok) throw new Error(result.message);
    return tokenText(made);
  }

  call({ token, subject, validMs = HOUR_MS, address = '10.0.0.9', fault, metadata: more = {} }: Coming): GuardedCall {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', token.includes(' ') ? token : `Bearer ${token}`);
    for (const [key, value] of Object.entries(more)) metadata.set(key, value);
    const expiresAtMs = subject === undefined ? 0 : this.clock.wallMs() + validMs;
    const authorityId = subject === undefined ? '' : 'a1';
    this.#connections.set(`${address}:1`, fault ?? { address, subject, authorityId, expiresAtMs });
    return { metadata, getPeer: () => `${address}:1` };
  }

  enter(method: DescMethod, coming: Coming): EnteredCall {
    return this.access.enter(method, this.call(coming));
  }

  /** "ok", or what the caller is told. */
  said(method: DescMethod, coming: Coming): string {
    try {
      this.enter(method, coming);
      return 'ok';
    } catch (error) {
      return error instanceof CellError ? `${error.code}: ${error.message}` : String(error);
    }
  }

  /** "ok", or the error's code. */
  code(method: DescMethod, coming: Coming): string {
    return this.said(method, coming).replace(/:.*/s, '');
  }

  /** The audit log as the state has it, without what made the fleet. */
  audit(): string[] {
    return this.consensus.state.audit.map(({ actor, method, subject, from, outcome, count }) => {
      const on = subject === '' ? '' : ` ${subject}`;
      return `${actor} ${method}${on} from ${from}: ${outcome}${count === 1 ? '' : ` x${count}`}`;
    });
  }

  async metric(name: string): Promise<Record<string, number>> {
    const values = (await this.registry.getSingleMetric(name)?.get())?.values ?? [];
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  }
}
