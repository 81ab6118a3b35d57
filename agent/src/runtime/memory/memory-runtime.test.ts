import { runtimeSuite } from '../testing/runtime-suite.ts';
import { MemoryRuntime } from './memory-runtime.ts';

runtimeSuite('MemoryRuntime', () =>
  Promise.resolve({
    runtime: new MemoryRuntime(),
    exits: (code) => ['exit', `${code}`],
    sleeps: () => ['sleep'],
    ignores: (signal) => ['ignore', signal],
    says: (line) => ['say', line],
    dispose: () => Promise.resolve(),
  }),
);
