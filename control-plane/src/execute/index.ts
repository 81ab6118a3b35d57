/** What a control-plane member does on its own. */
export type { HeardNode, HeardSessions } from './heard-sessions.ts';
export type { ReportSink } from './report-batcher.ts';
export { type Executor, type ExecutorParts, type ExecutorSettings, startExecutor } from './start-executor.ts';
