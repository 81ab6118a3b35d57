import { describeLogStore, FOUNDERS } from './log-store-suite.ts';
import { MemoryLogStore } from './memory-log-store.ts';

describeLogStore('MemoryLogStore', async () => ({
  open: async () => new MemoryLogStore({ bootstrap: FOUNDERS }),
  reopen: async (store) => (store as MemoryLogStore).reopen(),
  dispose: async () => undefined,
}));
