import type { SystemdManager } from './systemd-manager.ts';
export function findCapabilities(_manager: SystemdManager): Promise<readonly string[]> {
  return Promise.resolve([]);
}
