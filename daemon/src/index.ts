/** What the daemons have in common: flags, signals, logs, and what they tell the service manager. */
export { type DaemonManual, helpText } from './daemon-manual.ts';
export type { LogLevel } from './open-log.ts';
export { type DaemonProgram, type Duty, runDaemon } from './run-daemon.ts';
