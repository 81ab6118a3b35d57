/** Run by `kill.test.ts`: appends until it is killed, and says on stdout which index was acknowledged last. */
import { writeSync } from 'node:fs';
import { openLogStore } from '../open-log-store.ts';

const store = await openLogStore({
  directory: process.argv[2] as string,
  identity: { clusterId: 'kill', nodeId: 1 },
  bootstrap: { voters: [1], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  segmentBytes: 256 * 1024,
});

for (;;) {
  const first = store.lastIndex() + 1;
  const entries = Array.from({ length: 1 + (first % 7) }, (_, i) => ({
    term: 1,
    index: first + i,
    type: 'normal' as const,
    data: Buffer.alloc(200, first + i),
  }));
  await store.append({ entries, hardState: { term: 1, vote: 1, commit: first - 1 }, sync: true });
  writeSync(1, `${store.lastIndex()}\n`);
}
