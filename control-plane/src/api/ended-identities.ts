/**
 * Ends what runs for those whose identity has ended: sessions and connections of nodes that were revoked, connections
 * and streams of tokens that were revoked, and streams of tokens that have expired. New calls are refused by the guard.
 */
import { CellError } from '../cell-error.ts';
import type { Caller, Clock, ConnectionFacts, Consensus } from '../ports.ts';
import type { StateChange } from '../state/fleet-state.ts';
import type { CallServer } from './serve.ts';
import type { Connections } from './service-parts.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface EndedIdentitiesParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly connections: Pick<Connections, 'cut'>;
  readonly sessions: Pick<SessionRegistry, 'closeNodes'>;
  readonly calls: Pick<CallServer, 'endStreams'>;
}

/** Tokens expire without anybody saying so. */
const expiryPeriodMs = 1_000;

/** Every member follows what it applies itself, so that all cut at once. */
export class EndedIdentities {
  readonly #parts: EndedIdentitiesParts;
  /** Ids of the tokens that there were. */
  readonly #tokens: Set<string>;
  readonly #stops: readonly (() => void)[];

  constructor(parts: EndedIdentitiesParts) {
    const { consensus, clock } = parts;
    this.#parts = parts;
    this.#tokens = new Set(consensus.state.tokens.keys());
    this.#stops = [
      consensus.onChange((change) => this.#changed(change)),
      clock.every(expiryPeriodMs, () => this.#endExpired()),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #changed(change: StateChange | 'replaced'): void {
    const nodes = this.#revokedNodes(change);
    const tokens = this.#revokedTokens(change);
    if (nodes.size === 0 && tokens.size === 0) return;
    const { sessions, connections, calls } = this.#parts;
    if (nodes.size > 0) sessions.closeNodes(nodes, nodeEnded());
    if (tokens.size > 0) calls.endStreams((caller) => tokenEnded(caller, tokens));
    connections.cut(({ subject }: ConnectionFacts) => {
      if (subject?.kind === 'node') return nodes.has(subject.id);
      return subject?.kind === 'token' && tokens.has(subject.id);
    });
  }

  #revokedNodes(change: StateChange | 'replaced'): ReadonlySet<string> {
    const { nodeIdentities } = this.#parts.consensus.state;
    const rows = change === 'replaced' ? [...nodeIdentities.values()] : change.nodeIdentities;
    return new Set(rows.filter(({ revokedAtMs }) => revokedAtMs !== undefined).map(({ nodeId }) => nodeId));
  }

  #revokedTokens(change: StateChange | 'replaced'): ReadonlySet<string> {
    const { tokens } = this.#parts.consensus.state;
    const touched = change === 'replaced' ? new Set([...this.#tokens, ...tokens.keys()]) : change.tokens;
    const revoked = new Set<string>();
    for (const id of touched) {
      if (tokens.has(id)) this.#tokens.add(id);
      else if (this.#tokens.delete(id)) revoked.add(id);
    }
    return revoked;
  }

  #endExpired(): void {
    const { consensus, clock, calls } = this.#parts;
    const nowMs = clock.wallMs();
    calls.endStreams((caller) => {
      if (caller.kind !== 'person') return undefined;
      const expiresAtMs = consensus.state.tokens.get(caller.tokenId)?.expiresAtMs;
      if (expiresAtMs === undefined || nowMs < expiresAtMs) return undefined;
      return new CellError('CELL_E_UNAUTHENTICATED', `Token "${caller.name}" has ended while the call went on`);
    });
  }
}

function nodeEnded(): CellError {
  const message = 'The identity of this node was ended: to come back, it needs an empty data folder and a token';
  return new CellError('CELL_E_FORBIDDEN', message);
}

function tokenEnded(caller: Caller, tokens: ReadonlySet<string>): CellError | undefined {
  if (caller.kind !== 'person' || !tokens.has(caller.tokenId)) return undefined;
  return new CellError('CELL_E_UNAUTHENTICATED', `Token "${caller.name}" was revoked while the call went on`);
}
