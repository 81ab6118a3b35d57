import type { AuditEntry, CellClient } from '@cell/sdk';

export interface AuditLog {
  readonly entries: readonly AuditEntry[];
  /** Hash of the entry before the first one; empty if that is the first one of all. */
  readonly anchor: string;
}

/** When an entry was written: "2026-11-23 10:00:00Z". */
export function timeOf({ timeMs }: Pick<AuditEntry, 'timeMs'>): string {
  return `${new Date(Number(timeMs)).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** A sentence about entries that went, to make room for newer ones; undefined if all there ever were are there. */
export function gone({ entries, anchor }: AuditLog): string | undefined {
  const [oldest] = entries;
  if (oldest === undefined || anchor === '') return undefined;
  return `Older entries than of ${timeOf(oldest)} are in the members' own logs only`;
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
