import { Random } from '@cell/raft/simulator';
import type { FaultKind } from './fault.ts';

export interface PlannedFault {
  readonly kind: FaultKind;
  /** From the beginning of the clients' work, in milliseconds. */
  readonly atMs: number;
  readonly forMs: number;
  /** What its details are drawn from. */
  readonly seed: number;
}

const FIRST_MS = 1_000;
const FOR_MS_MIN = 800;
const FOR_MS_MAX = 2_600;
/** Until the log needs room that it has not reserved. */
const DISK_MS_MIN = 5_000;
const CALM_MS_MAX = 700;
/** How often another fault comes on top. */
const SECOND_CHANCE = 0.4;
const SECONDS: readonly FaultKind[] = ['kill', 'pause', 'transfer', 'one-way'];
/** Stream of random numbers, apart from those of the clients. */
const STREAM = 1_000;

/** Which faults, when, and for how long: each kind once before any comes again, some on top of others. */
export function planFaults(seed: number, durationMs: number, kinds: readonly FaultKind[]): PlannedFault[] {
  const random = new Random(seed, STREAM);
  const planned: PlannedFault[] = [];
  let left: FaultKind[] = [];
  for (let atMs = FIRST_MS; kinds.length > 0; ) {
    if (left.length === 0) left = random.sample(kinds, kinds.length);
    const kind = left.pop() as FaultKind;
    const forMs = Math.round(random.between(FOR_MS_MIN, FOR_MS_MAX)) + (kind === 'disk' ? DISK_MS_MIN : 0);
    if (atMs + forMs > durationMs) break;
    planned.push({ kind, atMs, forMs, seed: random.next() });
    const second = random.pick(SECONDS);
    if (random.chance(SECOND_CHANCE) && kinds.includes(second) && second !== kind) {
      const afterMs = Math.round(random.between(0.2, 0.6) * forMs);
      planned.push({ kind: second, atMs: atMs + afterMs, forMs: forMs - afterMs, seed: random.next() });
    }
    atMs += forMs + Math.round(random.between(0, CALM_MS_MAX));
  }
  return planned;
}
