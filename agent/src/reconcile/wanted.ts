import type { DesiredAllocation } from './model.ts';

/** What shall become of an allocation now, and why: a clause that follows "Stopped: ". */
export interface Wanted {
  /** `hold`: it may not run now, but what has not begun may wait. */
  readonly state: 'run' | 'hold' | 'stop';
  readonly reason: string;
  /** It may soon be started elsewhere and must not run twice: it gets little time to end by itself. */
  readonly urgent: boolean;
}

export interface WantedInput {
  readonly desired: DesiredAllocation;
  /** The control plane does not name the allocation any more. */
  readonly removed: boolean;
  /** Whether this node may run what the fleet may have placed elsewhere. */
  readonly leaseValid: boolean;
}

export function wantedOf({ desired, removed, leaseValid }: WantedInput): Wanted {
  const urgent = !leaseValid && desired.onDisconnect === 'stop';
  if (removed) return { state: 'stop', reason: 'the control plane does not want it on this node any more', urgent };
  if (desired.desired === 'stop') return { state: 'stop', reason: 'the control plane wants it stopped', urgent };
  if (urgent)
    return { state: 'hold', reason: 'the node has no lease, and the job says on_disconnect = "stop"', urgent };
  return { state: 'run', reason: 'the control plane wants it to run', urgent };
}
