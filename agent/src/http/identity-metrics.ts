import { Counter, Gauge, type Registry } from 'prom-client';
import type { AskingCounts, AskingOutcome } from '../identity/node-identity.ts';

/** What the metrics of a node's identity are read from. */
export interface IdentitySources {
  /** Milliseconds since 1970; 0 without a certificate. */
  readonly expiresAtMs: number;
  readonly joins: AskingCounts;
  readonly renewals: AskingCounts;
}

const OUTCOMES: readonly AskingOutcome[] = ['ok', 'refused', 'failed'];

/** Adds what the node's certificate is like, and how asking for one went. */
export function identityMetrics(registry: Registry, identity: IdentitySources): void {
  const registers = [registry];
  void new Gauge({
    name: 'cell_agent_certificate_expires_seconds',
    help: "When the node's certificate ends, in seconds since 1970; 0 without one",
    registers,
    collect() {
      this.set(Math.floor(identity.expiresAtMs / 1_000));
    },
  });
  counter('cell_agent_joins_total', 'Times that the agent asked to be let into the fleet', () => identity.joins);
  counter('cell_agent_renewals_total', 'Times that the agent asked for its next certificate', () => identity.renewals);

  function counter(name: string, help: string, read: () => AskingCounts): void {
    void new Counter({
      name,
      help,
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        for (const outcome of OUTCOMES) this.inc({ outcome }, read()[outcome]);
      },
    });
  }
}
