/** Finds rows by what people type: a name, an id, or the unique beginning of an id. */
import { CellError } from '../cell-error.ts';
import type { AllocationRow, JobRow, NodeRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';

const candidatesMax = 5;

/** A node by its name, its id, or the unique beginning of its id. */
export function findNode(state: FleetState, text: string): NodeRow {
  required(text, 'node', 'its name or id');
  const exact = exactly(text, [state.nodeByName(text), state.nodes.get(text)]);
  return exact ?? only(beginningWith(state.nodes, text.toLowerCase()), 'node', text, allNodes, sayNode);
}

/** Who can speak for itself as a node. */
export interface JoinedNode {
  readonly id: string;
  readonly name: string;
}

/**
 * As `findNode`, but also one that has joined and is no node yet, or any more since another one has come with its name:
 * by its id, or the unique beginning of it.
 */
export function findJoined(state: FleetState, text: string): JoinedNode {
  required(text, 'node', 'its name or id');
  const joined = new Map<string, JoinedNode>();
  for (const { nodeId: id, name } of state.nodeIdentities.values()) joined.set(id, { id, name });
  for (const row of state.nodes.values()) joined.set(row.id, row);
  const exact = exactly(text, [state.nodeByName(text), joined.get(text)]);
  return exact ?? only(beginningWith(joined, text.toLowerCase()), 'node', text, allNodes, sayNode);
}

const allNodes = '"cellctl node list" shows all nodes';
const sayNode = ({ id, name }: JoinedNode) => `${name} (${id})`;

/** Nodes choose their names and ids: one must not be taken for another that is called as its id is. */
function exactly<Row extends JoinedNode>(text: string, found: readonly (Row | undefined)[]): Row | undefined {
  const rows = [...new Set(found.filter((row) => row !== undefined))];
  return rows.length === 0 ? undefined : only(rows, 'node', text, allNodes, sayNode);
}

/** An allocation by its id or the unique beginning of it; upper and lower case are the same. */
export function findAllocation(state: FleetState, text: string): AllocationRow {
  required(text, 'allocation', 'its id or the beginning of it');
  const wanted = text.toUpperCase();
  const exact = state.allocations.get(wanted);
  if (exact !== undefined) return exact;
  const advice = '"cellctl allocation list --all" shows all allocations that are kept';
  return only(beginningWith(state.allocations, wanted), 'allocation', text, advice, ({ id, job }) => `${id} (${job})`);
}

/** A job by its name. */
export function findJob(state: FleetState, name: string): JobRow {
  required(name, 'job', 'its name');
  const row = state.jobs.get(name);
  if (row !== undefined) return row;
  throw new CellError('CELL_E_NOT_FOUND', `There is no job "${name}"; "cellctl job list" shows all jobs`);
}

function required(text: string, what: string, advice: string): void {
  if (text === '') throw new CellError('CELL_E_INVALID', `The ${what} is missing: give ${advice}`);
}

/** One more than can be listed tells that there are more. */
function beginningWith<Row>(rows: ReadonlyMap<string, Row>, beginning: string): Row[] {
  const found: Row[] = [];
  for (const [id, row] of rows) {
    if (!id.startsWith(beginning)) continue;
    found.push(row);
    if (found.length > candidatesMax) break;
  }
  return found;
}

function only<Row>(rows: readonly Row[], what: string, text: string, advice: string, say: (row: Row) => string): Row {
  const [first] = rows;
  if (first === undefined) throw new CellError('CELL_E_NOT_FOUND', `There is no ${what} "${text}"; ${advice}`);
  if (rows.length === 1) return first;
  const more = rows.length > candidatesMax ? ' and more' : '';
  const candidates = rows.slice(0, candidatesMax).map(say).join(', ');
  const message = `"${text}" is the beginning of several: ${candidates}${more}; type more of it`;
  throw new CellError('CELL_E_AMBIGUOUS', message);
}
