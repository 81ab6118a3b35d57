import type { WorkloadSecrets } from '../ports.ts';

/** For allocations without secrets. */
export const noSecrets: WorkloadSecrets = {
  folder: () => '/nonesuch',
  prepare: (id) => Promise.reject(new Error(`Nobody has secrets for "${id}"`)),
  remove: () => Promise.resolve(),
  retain: () => Promise.resolve(),
};
