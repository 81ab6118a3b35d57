import { type AllocationRow, isFinal } from '../model/entities.ts';
import { isUp } from '../model/instances.ts';

/** What the allocations of one instance that have not ended are to each other. */
export interface AliveRows {
  readonly active: AllocationRow | undefined;
  /**
   * Of an `active` that has to go off its node: is coming up elsewhere, to take over from it; or it was to, and has not
   * ended yet. A third allocation is never begun.
   */
  readonly replacement: AllocationRow | undefined;
  /** Shall run, and is not needed. */
  readonly surplus: readonly { readonly row: AllocationRow; readonly reason: string }[];
}

export interface RowJudge {
  /** Whether it does what the newest version wants. */
  isCurrent(row: AllocationRow): boolean;
  /** Whether it has to go off its node. */
  isLeaving(row: AllocationRow): boolean;
}

/**
 * Usually there is one. Two shall run while an instance moves off a drained node, and then for as long as the new one is
 * not up; if the drain is ended meanwhile, the old one stays. More only if a job's type changed: those wait their turn.
 */
export function sortAlive(rows: readonly AllocationRow[], judge: RowJudge): AliveRows {
  const sorted = sortWanted(rows, judge);
  const { active, replacement } = sorted;
  if (replacement !== undefined || active === undefined || !judge.isLeaving(active)) return sorted;
  return { ...sorted, replacement: rows.find((row) => row !== active && !isFinal(row)) };
}

function sortWanted(rows: readonly AllocationRow[], judge: RowJudge): AliveRows {
  const wanted = rows.filter((row) => row.desired === 'run' && !isFinal(row)).sort(upThenOldest);
  if (wanted.length === 0) return { active: rows.toSorted(byId)[0], replacement: undefined, surplus: [] };
  const isSettled = (row: AllocationRow) => judge.isCurrent(row) && !judge.isLeaving(row);
  const [settled, ...spare] = wanted.filter(isSettled);
  const others = wanted.filter((row) => !isSettled(row));
  if (settled === undefined) return withoutSettled(others, judge);
  const surplus = spare.map((row) => ({ row, reason: 'another allocation of the instance runs already' }));
  if (isUp(settled)) return { active: settled, replacement: undefined, surplus: [...surplus, ...replaced(others)] };
  const [former, ...rest] = others;
  if (former === undefined) return { active: settled, replacement: undefined, surplus };
  return { active: former, replacement: settled, surplus: [...surplus, ...replaced(rest)] };
}

/** All of them are outdated, or have to go. */
function withoutSettled(rows: readonly AllocationRow[], judge: RowJudge): AliveRows {
  const staying = rows.filter((row) => !judge.isLeaving(row));
  const leaving = rows.filter((row) => judge.isLeaving(row));
  const [first, ...rest] = leaving;
  if (first === undefined) return { active: staying.toSorted(byId)[0], replacement: undefined, surplus: [] };
  const [moved] = staying;
  if (moved !== undefined && isUp(moved)) {
    return { active: moved, replacement: undefined, surplus: replaced(leaving) };
  }
  // Replacements in a version that never came up and is outdated by now would only be in the way of the newest.
  const stale = staying.map((row) => ({ row, reason: 'it is outdated before it was up' }));
  return { active: first, replacement: undefined, surplus: [...replaced(rest), ...stale] };
}

function replaced(rows: readonly AllocationRow[]) {
  return rows.map((row) => ({ row, reason: 'its replacement on another node is up' }));
}

function upThenOldest(one: AllocationRow, other: AllocationRow): number {
  return Number(isUp(other)) - Number(isUp(one)) || byId(one, other);
}

function byId(one: AllocationRow, other: AllocationRow): number {
  return one.id < other.id ? -1 : 1;
}
