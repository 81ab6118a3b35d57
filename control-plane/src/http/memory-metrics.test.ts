import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { addMemoryMetrics } from './memory-metrics.ts';

test('what could grow in memory can be watched, and peers that have gone are there no more', async () => {
  const registry = new Registry();
  const memory = { logEntries: 1, logBytes: 2, pendingProposals: 3, pendingProposalBytes: 4, pendingReads: 5 };
  let peers = [{ id: 2, bufferedBytes: 8 }];
  addMemoryMetrics(registry, {
    memory: () => memory,
    pendingChanges: () => ({ commands: 6, bytes: 7 }),
    peers: () => peers,
  });
  const told = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('cell_'));
  const always = [
    'cell_raft_log_memory_entries 1',
    'cell_raft_log_memory_bytes 2',
    'cell_raft_pending_proposals 3',
    'cell_raft_pending_proposals_bytes 4',
    'cell_raft_pending_reads 5',
    'cell_pending_changes 6',
    'cell_pending_changes_bytes 7',
  ];
  expect(await told()).toEqual([...always, 'cell_raft_peer_buffered_bytes{peer="2"} 8']);
  peers = [];
  expect(await told()).toEqual(always);
});
