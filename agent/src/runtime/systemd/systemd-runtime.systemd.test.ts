import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../real-clock.ts';
import { runtimeSuite } from '../testing/runtime-suite.ts';
import { openSystemdRuntime } from './systemd-runtime.ts';

runtimeSuite('SystemdRuntime', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cell-runtime-'));
  const runtime = await openSystemdRuntime({
    folder,
    clock: realClock,
    secretsFolder: join(folder, 'secrets'),
    hiddenPaths: ['/etc/cell'],
  });
  return {
    runtime,
    streamsAreOne: true,
    exits: (code) => ['sh', '-c', `exit ${code}`],
    sleeps: () => ['sleep', '1000'],
    ignores: (signal) => ['sh', '-c', `trap '' ${signal.slice(3)}; echo ${signal}; while :; do sleep 0.1; done`],
    says: (line) => ['sh', '-c', 'echo "$1"; exec sleep 1000', 'sh', line],
    dispose: async () => {
      for (const id of runtime.known()) await runtime.remove(id);
      await runtime.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
});
