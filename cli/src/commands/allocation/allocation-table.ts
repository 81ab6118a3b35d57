import { type Allocation, AllocationState, AllocationStateSchema, DesiredState, enumWord } from '@cell/sdk';
import type { Style, Tone } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age } from '../../output/timestamp-text.ts';
import { shortIds } from './short-ids.ts';

type Hidden = 'job' | 'node';

const TONES: ReadonlyMap<AllocationState, Tone> = new Map([
  [AllocationState.HEALTHY, 'good'],
  [AllocationState.COMPLETE, 'good'],
  [AllocationState.UNHEALTHY, 'bad'],
  [AllocationState.FAILED, 'bad'],
  [AllocationState.LOST, 'bad'],
  [AllocationState.STARTING, 'warning'],
  [AllocationState.PENDING, 'warning'],
]);

/** `hidden`: columns that would be the same in every line. */
export function renderAllocations(
  allocations: readonly Allocation[],
  style: Style,
  hidden: readonly Hidden[] = [],
): string {
  const columns: (Column & { readonly cell: (allocation: Allocation) => string | ReturnType<typeof stateCell> })[] = [];
  const ids = shortIds(allocations.map(({ id }) => id));
  const idOf = ({ id }: Allocation) => (style.wide ? id : (ids.get(id) ?? id));
  columns.push({ title: 'ALLOCATION', cell: idOf });
  // "web/0", as events name it: cut in its middle it still tells which instance it is.
  const nameOf = ({ job, instance }: Allocation) => (hidden.includes('job') ? String(instance) : `${job}/${instance}`);
  columns.push({ title: 'INSTANCE', widthMin: 12, cell: nameOf });
  columns.push({ title: 'VERSION', align: 'right', wide: true, cell: ({ jobVersion }) => String(jobVersion) });
  if (!hidden.includes('node')) columns.push({ title: 'NODE', widthMin: 8, cell: ({ nodeName }) => nodeName });
  columns.push({ title: 'STATE', cell: stateCell });
  columns.push({ title: 'RESTARTS', align: 'right', cell: ({ restarts }) => String(restarts) });
  columns.push({ title: 'SINCE', align: 'right', cell: ({ changedAt }) => age(changedAt, style) });
  columns.push({ title: 'PORTS', wide: true, cell: portsText });
  columns.push({ title: 'MESSAGE', wide: true, cell: ({ message }) => message });
  return renderTable(
    columns,
    allocations.map((allocation) => columns.map(({ cell }) => cell(allocation))),
    style,
  );
}

/** The state; "stopping" if it still runs and shall not. */
export function stateCell({ state, desired }: Allocation): { readonly text: string; readonly tone: Tone | undefined } {
  const word = enumWord(AllocationStateSchema, state);
  const ending = desired === DesiredState.STOP && !isEnded(state);
  return { text: ending ? 'stopping' : word, tone: ending ? 'warning' : TONES.get(state) };
}

export function isEnded(state: AllocationState): boolean {
  return state >= AllocationState.COMPLETE;
}

export function portsText({ ports, address }: Allocation): string {
  return Object.entries(ports)
    .map(([name, port]) => `${name}=${address}:${port}`)
    .join(' ');
}
