import type { DesiredAllocation } from '../reconcile/model.ts';
import { NO_ISOLATION } from './run-request.ts';

/** A service that sleeps and is restarted up to three times a minute; tests say what differs. */
export function desiredOf(change: Partial<DesiredAllocation> = {}): DesiredAllocation {
  return {
    id: 'a',
    jobName: 'web',
    jobVersion: 1,
    instance: 0,
    desired: 'run',
    command: ['sleep'],
    environment: {},
    user: '',
    workingDirectory: '',
    isolation: NO_ISOLATION,
    ports: {},
    health: null,
    restart: { mode: 'always', attempts: 3, windowMs: 60_000, delayMs: 1_000, delayMaxMs: 10_000 },
    stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
    onDisconnect: 'keep',
    ...change,
  };
}
