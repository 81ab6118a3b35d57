/** States of allocations, here and on the wire. */
import { AllocationState, DesiredState } from '@cell/proto';
import type * as model from '../model/entities.ts';

const allocationStates: Readonly<Record<model.AllocationState, AllocationState>> = {
  pending: AllocationState.PENDING,
  starting: AllocationState.STARTING,
  running: AllocationState.RUNNING,
  healthy: AllocationState.HEALTHY,
  unhealthy: AllocationState.UNHEALTHY,
  complete: AllocationState.COMPLETE,
  failed: AllocationState.FAILED,
  stopped: AllocationState.STOPPED,
  lost: AllocationState.LOST,
};

const statesByNumber = new Map<number, model.AllocationState>(
  Object.entries(allocationStates).map(([name, number]) => [number, name as model.AllocationState]),
);

export function allocationStateToProto(state: model.AllocationState): AllocationState {
  return allocationStates[state];
}

/** Undefined for a state that this version does not know. */
export function allocationStateFromProto(state: AllocationState): model.AllocationState | undefined {
  return statesByNumber.get(state);
}

export function desiredToProto(desired: model.DesiredState): DesiredState {
  return desired === 'run' ? DesiredState.RUN : DesiredState.STOP;
}
