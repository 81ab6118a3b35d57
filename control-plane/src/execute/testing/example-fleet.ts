/** Short ways to fill a consensus in memory. */
import type { Logger } from 'pino';
import { pino } from 'pino';
import type { AllocationState, Inventory } from '../../model/entities.ts';
import type { AllocationReport } from '../../state/commands.ts';
import { exampleInventory, exampleSpec } from '../../state/testing/fleet-arbitraries.ts';
import type { MemoryConsensus } from './memory-consensus.ts';

export const silentLog: Logger = pino({ level: 'silent' });

export function addNode(consensus: MemoryConsensus, name: string, inventory: Partial<Inventory> = {}): void {
  consensus.write({
    kind: 'register-node',
    timeMs: 0,
    id: name,
    name,
    inventory: exampleInventory(inventory),
    agentVersion: '0.1.0',
    httpAddress: '127.0.0.1:7603',
  });
}

export function addJob(consensus: MemoryConsensus, name: string, count: number): void {
  const spec = exampleSpec({ name, count, resources: { cpuMillis: 10, memoryMib: 1 }, ports: [] });
  consensus.write({ kind: 'submit-job', timeMs: 0, spec, expectedIndex: undefined });
}

/** Places one instance as the planner would; gives the allocation's id. */
export function place(consensus: MemoryConsensus, job: string, instance: number, nodeId: string): string {
  const id = `${job}-${instance}-${nodeId}`.toUpperCase();
  const jobVersion = consensus.state.jobs.get(job)!.version;
  const placement = { id, job, jobVersion, instance, nodeId, ports: {}, cpuMillis: 10, memoryMib: 1 };
  const placements = [{ ...placement, placementReason: 'the test wants it' }];
  consensus.write({ kind: 'apply-plan', timeMs: 0, placements, stops: [], unplaced: [] });
  return id;
}

export function report(
  consensus: MemoryConsensus,
  id: string,
  state: AllocationState,
  changes: Partial<AllocationReport> = {},
): AllocationReport {
  const nodeId = consensus.state.allocations.get(id)?.nodeId ?? 'nowhere';
  return { id, nodeId, state, restarts: 0, exitCode: undefined, message: '', ...changes };
}

/** The kinds of the commands that were written since `from`. */
export function kinds(consensus: MemoryConsensus, from = 0): string[] {
  return consensus.commands.slice(from).map((command) => command.kind);
}
