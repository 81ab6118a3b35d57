import type { Log, WorkloadSecrets } from '../ports.ts';
import { type FetchSecrets, SecretFolders } from './secret-folders.ts';
import { openSecretRoot, type SecretRootSettings } from './secret-root.ts';

/** The secrets of this node's workloads, in memory if this machine has a place for that. */
export async function openSecrets(
  settings: Omit<SecretRootSettings, 'environment'>,
  log: Log,
  fetch: FetchSecrets,
): Promise<WorkloadSecrets> {
  const { path, volatile } = await openSecretRoot({ ...settings, environment: process.env });
  if (!volatile)
    log.warn({ folder: path }, 'Secrets of jobs lie on the disk while they run: there is no tmpfs for them');
  return new SecretFolders(path, fetch);
}
