/** Codes by which the control plane says that nothing was done. What is not named here leaves the outcome open. */
const NOTHING_DONE: ReadonlySet<string> = new Set([
  'CELL_E_NO_LEADER',
  'CELL_E_NOT_LEADER',
  'CELL_E_OVERLOADED',
  'CELL_E_UNREACHABLE',
  'CELL_E_DISK_FULL',
  'CELL_E_STARTING',
]);

/** What is known of a change whose call failed with this code. */
export function fateOf(code: string): 'refused' | 'open' {
  return NOTHING_DONE.has(code) ? 'refused' : 'open';
}
