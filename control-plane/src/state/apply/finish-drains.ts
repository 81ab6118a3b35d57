import { isDraining, type NodeDrain } from '../../model/drains.ts';

import type { FleetState } from '../fleet-state.ts';
import { leavingAllocations } from '../leaving-allocations.ts';
import type { Application } from './application.ts';

/** Writes down that a drain is over, in the command that ended the last allocation which had to go. */
export function finishDrains(application: Application): void {
  const { tables, timeMs, index } = application;
  if (tables.drainingNodes.size === 0) return;
  for (const id of [...application.touchedNodes()].sort()) {
    const node = tables.nodes.get(id);
    if (node?.drain === undefined || !isDraining(node) || !isEmptied(tables, id, node.drain)) continue;
    application.putNode({ ...node, drain: { ...node.drain, finishedAtMs: timeMs }, modifyIndex: index });
    const lost = node.status === 'lost' ? ', since the node is lost' : '';
    const kept = node.drain.keepSystemJobs ? ' but system jobs' : '';
    application.event('NodeDrained', `node/${node.name}`, `Nothing is left on it${kept}${lost}`);
  }
}

/** Whether nothing is there that has to go. */
export function isEmptied(state: FleetState, nodeId: string, drain: NodeDrain): boolean {
  return leavingAllocations(state, nodeId, drain).length === 0;
}
