/** True for what a store rejects with when there is no room: nothing has changed, and it may be tried again. */
export function isDiskFull(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'CELL_E_DISK_FULL';
}
