import { Counter, Gauge, type Registry } from 'prom-client';
import type { CertificateFault } from './connection-facts.ts';
import type { LimitFault } from './connection-limits.ts';

export type HandshakeOutcome = 'done' | 'failed' | 'timeout';
export type RefusalReason = CertificateFault | LimitFault | 'resumed' | 'ambiguous';
/** Why a connection that stood was ended by this member. */
export type CutReason = 'held' | 'certificate-ended' | 'refused' | 'unused' | 'untrusted' | 'order';

export interface ListenMetrics {
  handshake(outcome: HandshakeOutcome): void;
  refused(reason: RefusalReason): void;
  cut(reason: CutReason): void;
}

export interface ListenGauges {
  readonly connections: () => number;
  readonly handshakes: () => number;
}

export function addListenMetrics(registry: Registry, gauges: ListenGauges): ListenMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({ name, help, registers, collect: collectFrom(value) });
  gauge('cell_connections', 'Connections of agents, people and peers', gauges.connections);
  gauge('cell_handshakes_unfinished', 'Connections that have not finished their TLS handshake', gauges.handshakes);
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const handshakes = counter('cell_handshakes_total', 'TLS handshakes by how they ended', ['outcome']);
  const refusals = counter('cell_connections_refused_total', 'Connections refused, by reason', ['reason']);
  const cuts = counter('cell_connections_cut_total', 'Connections that this member ended, by reason', ['reason']);
  return {
    handshake: (outcome) => handshakes.inc({ outcome }),
    refused: (reason) => refusals.inc({ reason }),
    cut: (reason) => cuts.inc({ reason }),
  };
}

function collectFrom(value: () => number): (this: Gauge) => void {
  return function collect() {
    this.set(value());
  };
}
