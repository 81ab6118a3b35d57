import type { JobSpec } from '@cell/job';
import { hintForLacked } from './capabilities.ts';
import type { NodeRefusal } from './node-refusal.ts';

interface Change {
  /** How much of what was asked would have to go, 0 to 1. */
  readonly share: number;
  readonly text: string;
}

/** The smallest change that would make one more instance fit; in the words of a job file where it is about one. */
export function placementHint(refusals: readonly NodeRefusal[], spec: JobSpec): string {
  const { cpuMillis, memoryMib } = spec.resources;
  const full = refusals.filter((refusal) => refusal.kind === 'room');
  if (full.length > 0) {
    const changes = full.map((refusal) => smallerRequest(refusal, spec)).filter((change) => change !== undefined);
    changes.sort((one, other) => one.share - other.share || (one.text < other.text ? -1 : 1));
    const newNode = `add a node with ${memoryMib} MiB of memory and ${cpuMillis / 1000} cores free`;
    return changes[0] === undefined ? newNode : `${changes[0].text}, or ${newNode}`;
  }
  const unable = refusals.filter((refusal) => refusal.kind === 'capabilities');
  if (unable.length > 0) {
    const hints = unable.map(({ lacked, runtime }) => ({ count: lacked.length, text: hintForLacked(lacked, runtime) }));
    hints.sort((one, other) => one.count - other.count || (one.text < other.text ? -1 : 1));
    return hints[0]?.text ?? '';
  }
  const constrained = refusals.filter((refusal) => refusal.kind === 'constraints');
  if (constrained.length > 0) {
    const sets = constrained.map(({ failed }) => failed).sort(compareFailed);
    const fewest = sets[0]?.join(' and ') ?? '';
    return `add a node where ${fewest}, or take that constraint out`;
  }
  const unused = refusals.filter((refusal) => refusal.kind === 'ineligible').map(({ node }) => node);
  const [first] = unused.sort((one, other) => (one.name < other.name ? -1 : 1));
  if (first !== undefined) return `give a node back with "cellctl node undrain ${first.name}", or add a node`;
  if (refusals.length > 0) return 'start the agents of the lost nodes again, or add a node';
  return 'start an agent: see "cell-agent --help"';
}

/** What would have to change for this node; nothing sensible if it has no cpu or no memory left at all. */
function smallerRequest(refusal: Extract<NodeRefusal, { kind: 'room' }>, spec: JobSpec): Change | undefined {
  const parts: string[] = [];
  let share = 0;
  for (const lack of refusal.lacks) {
    if (lack === 'cpu') {
      const free = refusal.room.cpuMillisFree;
      if (free < CPU_MILLIS_MIN) return undefined;
      share = Math.max(share, 1 - free / spec.resources.cpuMillis);
      parts.push(`lower resources.cpu to ${free / 1000}`);
    } else if (lack === 'memory') {
      const free = refusal.room.memoryMibFree;
      if (free < MEMORY_MIB_MIN) return undefined;
      share = Math.max(share, 1 - free / spec.resources.memoryMib);
      parts.push(`lower resources.memory to ${free}MiB`);
    } else if (lack === 'ports') {
      return undefined;
    } else {
      parts.push(`have ${lack} given out instead of fixed`);
    }
  }
  return parts.length === 0 ? undefined : { share, text: parts.join(' and ') };
}

/** Less is no use to anyone. */
const CPU_MILLIS_MIN = 10;
const MEMORY_MIB_MIN = 1;

function compareFailed(one: readonly string[], other: readonly string[]): number {
  return one.length - other.length || (one.join() < other.join() ? -1 : 1);
}
