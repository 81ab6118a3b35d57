import type { Raft } from './raft.ts';

/** Does the committed part of the log hold a membership change that is not applied here yet? */
export function hasUnappliedConfChange(raft: Raft): boolean {
  const { log } = raft;
  // In pages, so that a long way to go doesn't need all of it in memory at once.
  for (let low = log.applied + 1; low <= log.committed; ) {
    const page = log.slice(low, log.committed + 1, raft.config.committedSizePerReadyMax);
    for (const entry of page) if (entry.type === 'conf-change') return true;
    low += page.length;
  }
  return false;
}
