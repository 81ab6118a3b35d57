import type { AuditEntry, CellClient } from '@cell/sdk';

export interface AuditLog {
  readonly entries: readonly AuditEntry[];
  /** Hash of the entry before the first one; empty if that is the first one of all. */
  readonly anchor: string;
}

/** `limit`: so many of the newest; 0: all. The control plane keeps no more than some thousands. */
export async function readAudit(client: CellClient, limit: number, signal: AbortSignal): Promise<AuditLog> {
  const entries: AuditEntry[] = [];
  let anchor: string | undefined;
  for await (const part of client.identity.listAudit({ limit }, { signal })) {
    anchor ??= part.anchor;
    entries.push(...part.entries);
  }
  signal.throwIfAborted();
  return { entries, anchor: anchor ?? '' };
}
