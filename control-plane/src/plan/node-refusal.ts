import type { AskedCapability, JobSpec } from '@cell/job';
import type { NodeRow } from '../model/entities.ts';
import { lackedCapabilities } from './capabilities.ts';
import { describeConstraint, meetsConstraint } from './constraints.ts';
import type { NodeRoom } from './node-room.ts';

/** Everything that one node lacks. Of one that is lost, fails a constraint or can't do what is asked, only that. */
export type NodeRefusal =
  | { readonly kind: 'lost' }
  /** It takes no allocations. */
  | { readonly kind: 'ineligible'; readonly node: NodeRow }
  | { readonly kind: 'constraints'; readonly failed: readonly string[] }
  | { readonly kind: 'capabilities'; readonly runtime: string; readonly lacked: readonly AskedCapability[] }
  | { readonly kind: 'room'; readonly room: NodeRoom; readonly lacks: readonly Lack[] };

export type Lack = 'cpu' | 'memory' | 'ports' | `port ${number} ("${string}")`;

/** What keeps `spec` off a node; `room` is undefined for nodes that are not ready. */
export function nodeRefusal(room: NodeRoom | undefined, node: NodeRow, spec: JobSpec): NodeRefusal {
  if (room === undefined) return { kind: 'lost' };
  if (!node.eligible) return { kind: 'ineligible', node };
  const failed = spec.constraints.filter((constraint) => !meetsConstraint(constraint, node.inventory.attributes));
  if (failed.length > 0) return { kind: 'constraints', failed: failed.map(describeConstraint) };
  const lacked = lackedCapabilities(spec, node.inventory);
  if (lacked.length > 0) return { kind: 'capabilities', runtime: node.inventory.runtime, lacked };
  const lacks: Lack[] = [];
  if (spec.resources.cpuMillis > room.cpuMillisFree) lacks.push('cpu');
  if (spec.resources.memoryMib > room.memoryMibFree) lacks.push('memory');
  const taken = spec.ports.filter(({ port }) => port !== 0 && room.portTaken(port));
  for (const { name, port } of taken) lacks.push(`port ${port} ("${name}")`);
  if (taken.length === 0 && !room.portsFit(spec)) lacks.push('ports');
  return { kind: 'room', room, lacks };
}
