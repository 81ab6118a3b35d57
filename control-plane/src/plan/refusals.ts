/** Why an instance finds no node, in numbers, and the smallest change that would help. */
import type { JobSpec } from '@cell/job';
import type { NodeRow, RefusalReason } from '../model/entities.ts';
import { describeLacked } from './capabilities.ts';
import type { FleetRooms } from './fleet-rooms.ts';
import { REASONS_MAX } from './limits.ts';
import { type Lack, type NodeRefusal, nodeRefusal } from './node-refusal.ts';
import type { NodeRoom } from './node-room.ts';
import { placementHint } from './placement-hint.ts';

export interface Explanation {
  /** Those that rule out the most nodes first. */
  readonly reasons: readonly RefusalReason[];
  readonly hint: string;
}

/** Call it for nodes on which `spec` does not fit; each may be ruled out by several reasons. */
export function explainRefusals(nodes: Iterable<NodeRow>, rooms: FleetRooms, spec: JobSpec): Explanation {
  const refusals: NodeRefusal[] = [];
  for (const node of nodes) refusals.push(nodeRefusal(rooms.ofNode(node.id), node, spec));
  return { reasons: countReasons(refusals, spec), hint: placementHint(refusals, spec) };
}

function countReasons(refusals: readonly NodeRefusal[], spec: JobSpec): RefusalReason[] {
  if (refusals.length === 0) return [{ reason: 'no node is registered', nodes: 0 }];
  const nodesByReason = new Map<string, number>();
  const count = (reason: string) => nodesByReason.set(reason, (nodesByReason.get(reason) ?? 0) + 1);
  const [cpu, memory] = [lackingCpu(refusals, spec), lackingMemory(refusals, spec)];
  for (const refusal of refusals) {
    if (refusal.kind === 'lost') count('node is lost');
    if (refusal.kind === 'ineligible') {
      count(refusal.node.drain === undefined ? 'node takes no allocations' : 'node is drained');
    }
    if (refusal.kind === 'constraints') for (const failed of refusal.failed) count(`constraint: ${failed}`);
    if (refusal.kind === 'capabilities') for (const lacked of refusal.lacked) count(describeLacked(lacked));
    if (refusal.kind !== 'room') continue;
    for (const lack of refusal.lacks) {
      if (lack === 'cpu') count(cpu);
      else if (lack === 'memory') count(memory);
      else count(lack === 'ports' ? 'ports: none left to give out' : `${lack} is in use`);
    }
  }
  const reasons = [...nodesByReason].map(([reason, nodes]) => ({ reason, nodes }));
  reasons.sort((one, other) => other.nodes - one.nodes || (one.reason < other.reason ? -1 : 1));
  return reasons.slice(0, REASONS_MAX);
}

function lackingCpu(refusals: readonly NodeRefusal[], spec: JobSpec): string {
  const free = mostFree(refusals, 'cpu', (room) => room.cpuMillisFree);
  return `cpu: ${spec.resources.cpuMillis / 1000} cores asked, ${free / 1000} free at most`;
}

function lackingMemory(refusals: readonly NodeRefusal[], spec: JobSpec): string {
  const free = mostFree(refusals, 'memory', (room) => room.memoryMibFree);
  return `memory: ${spec.resources.memoryMib} MiB asked, ${free} MiB free at most`;
}

function mostFree(refusals: readonly NodeRefusal[], lack: Lack, free: (room: NodeRoom) => number): number {
  let most = 0;
  for (const refusal of refusals) {
    if (refusal.kind === 'room' && refusal.lacks.includes(lack)) most = Math.max(most, free(refusal.room));
  }
  return most;
}
