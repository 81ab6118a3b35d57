import type { RunRequest } from '../ports.ts';
import type { Isolation } from '../reconcile/model.ts';

/** Asks for nothing. */
export const NO_ISOLATION: Isolation = {
  jobType: 'service',
  sandbox: 'default',
  dynamicUser: false,
  limits: {
    memoryMaxMib: 0,
    memoryHighMib: 0,
    cpuMaxMillis: 0,
    cpuWeight: 0,
    ioWeight: 0,
    tasksMax: 0,
    filesMax: 0,
  },
  network: { private: false, deny: [], allow: [] },
  directories: [],
  credentials: {},
  secrets: {},
  environmentFiles: [],
  devices: [],
};

/** The first run of an instance of the service "web"; tests say what differs. */
export function runRequest(change: Partial<RunRequest> & Pick<RunRequest, 'command'>): RunRequest {
  return {
    id: 'a',
    run: 1,
    environment: { PATH: '/usr/bin:/bin' },
    user: '',
    workingDirectory: '',
    jobName: 'web',
    instance: 0,
    isolation: NO_ISOLATION,
    secretsFolder: '',
    stop: { signal: 'SIGTERM', timeoutMs: 5_000 },
    ...change,
  };
}
