import type { Cellctl } from './cellctl.ts';

/** What "cellctl allocation list -o json" tells of one instance; only what the demo looks at. */
export interface ListedAllocation {
  readonly id: string;
  readonly job: string;
  readonly instance: number;
  readonly nodeName: string;
  readonly state: string;
  readonly restarts: number;
  readonly exitCode: number | null;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** All instances of a job, ended ones too, in the order of their instance numbers. */
export async function listAllocations(cellctl: Cellctl, job: string): Promise<ListedAllocation[]> {
  const words = ['allocation', 'list', '--all', '--job', job];
  const { allocations } = await cellctl.ask<{ readonly allocations: readonly ListedAllocation[] }>(words);
  return [...allocations].sort((one, other) => one.instance - other.instance);
}
