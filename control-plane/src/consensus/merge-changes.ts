import type { StateChange } from '../state/fleet-state.ts';

/** One change that says what a batch did: of a row that changed several times, its newest; `changes` isn't empty. */
export function mergeChanges(changes: readonly StateChange[]): StateChange {
  if (changes.length === 1) return changes[0]!;
  const last = changes.at(-1)!;
  const telling = changes.filter(tells);
  if (telling.length <= 1) return { ...(telling[0] ?? last), index: last.index };
  return { ...mergeRows(telling), index: last.index };
}

/** Many commands, such as repeated marks and reports, change no row that anybody hears of. */
function tells(change: StateChange): boolean {
  return (
    change.nodes.length > 0 ||
    change.removedNodes.length > 0 ||
    change.jobs.length > 0 ||
    change.allocations.length > 0 ||
    change.removedAllocations.length > 0 ||
    change.members.length > 0 ||
    change.events.length > 0 ||
    change.tokens.length > 0 ||
    change.nodeIdentities.length > 0 ||
    change.authorities
  );
}

function mergeRows(changes: readonly StateChange[]): Omit<StateChange, 'index'> {
  const nodes = merge(changes, (change) => [change.nodes, change.removedNodes], idOf);
  const allocations = merge(changes, (change) => [change.allocations, change.removedAllocations], idOf);
  const jobs = merge(
    changes,
    (change) => [change.jobs, []],
    (job) => job.name,
  );
  const members = merge(
    changes,
    (change) => [change.members, []],
    (member) => member.id,
  );
  const nodeIdentities = merge(
    changes,
    (change) => [change.nodeIdentities, []],
    (identity) => identity.nodeId,
  );
  return {
    nodes: nodes.put,
    removedNodes: nodes.removed,
    jobs: jobs.put,
    allocations: allocations.put,
    removedAllocations: allocations.removed,
    members: members.put,
    events: changes.flatMap((change) => change.events),
    tokens: [...new Set(changes.flatMap((change) => change.tokens))],
    nodeIdentities: nodeIdentities.put,
    authorities: changes.some((change) => change.authorities),
  };
}

function idOf(row: { readonly id: string }): string {
  return row.id;
}

/** Per row what happened last: put or removed. */
function merge<Row, Key extends string | number>(
  changes: readonly StateChange[],
  rowsOf: (change: StateChange) => readonly [put: readonly Row[], removed: readonly Row[]],
  keyOf: (row: Row) => Key,
): { readonly put: Row[]; readonly removed: Row[] } {
  const put = new Map<Key, Row>();
  const removed = new Map<Key, Row>();
  for (const [putNow, removedNow] of changes.map(rowsOf)) {
    for (const row of putNow) {
      put.set(keyOf(row), row);
      removed.delete(keyOf(row));
    }
    for (const row of removedNow) {
      put.delete(keyOf(row));
      removed.set(keyOf(row), row);
    }
  }
  return { put: [...put.values()], removed: [...removed.values()] };
}
