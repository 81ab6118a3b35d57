import type { MemoryUse } from '@cell/raft';
import { Gauge, type Registry } from 'prom-client';

export interface MemorySources {
  readonly memory: () => MemoryUse;
  /** Changes that this member has been asked for, here or for the leader, and that have no outcome yet. */
  readonly pendingChanges: () => { readonly commands: number; readonly bytes: number };
  readonly peers: () => readonly { readonly id: number; readonly bufferedBytes: number }[];
}

/** Adds what is kept in memory and could grow, each of which has a limit: see docs/performance.md. */
export function addMemoryMetrics(registry: Registry, { memory, pendingChanges, peers }: MemorySources): void {
  const gauge = (name: string, help: string, read: () => number) => {
    const made: Gauge = new Gauge({ name, help, registers: [registry], collect: () => made.set(read()) });
  };
  gauge('cell_raft_log_memory_entries', 'Entries of the log in memory.', () => memory().logEntries);
  gauge('cell_raft_log_memory_bytes', 'Bytes of the entries of the log in memory.', () => memory().logBytes);
  gauge(
    'cell_raft_pending_proposals',
    'Proposals of this leader that have no result yet.',
    () => memory().pendingProposals,
  );
  gauge('cell_raft_pending_proposals_bytes', 'Bytes of these proposals.', () => memory().pendingProposalBytes);
  gauge('cell_raft_pending_reads', 'Callers that wait for a linearizable read.', () => memory().pendingReads);
  const changes = 'Changes that this member was asked to have written, and that have no outcome yet.';
  gauge('cell_pending_changes', changes, () => pendingChanges().commands);
  gauge('cell_pending_changes_bytes', 'Bytes of these changes.', () => pendingChanges().bytes);
  const buffered: Gauge = new Gauge({
    name: 'cell_raft_peer_buffered_bytes',
    help: 'Bytes of Raft messages that the connection to the peer has not taken yet.',
    labelNames: ['peer'],
    registers: [registry],
    collect: () => {
      buffered.reset();
      for (const { id, bufferedBytes } of peers()) buffered.set({ peer: String(id) }, bufferedBytes);
    },
  });
}
