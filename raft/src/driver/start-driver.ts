import { LogError, type Snapshot } from '../core/index.ts';
import type { Driver, DriverOptions, LogStore } from './ports.ts';
import { RaftDriver } from './raft-driver.ts';

/**
 * Starts a member: restores the state machine from the newest snapshot, and then takes part in the cluster. Rejects
 * if the snapshot can't be read or the stored state can't be right.
 */
export async function startDriver(options: DriverOptions): Promise<Driver> {
  if (!(options.heartbeatMs > 0)) throw new RangeError(`heartbeatMs must be above 0: ${options.heartbeatMs}`);
  if (!(options.electionMs >= 2 * options.heartbeatMs)) {
    throw new RangeError(`electionMs must be at least twice heartbeatMs: ${options.electionMs}`);
  }
  const { store, machine } = options;
  const snapshot = findSnapshot(store);
  if (snapshot !== undefined) {
    await machine.restore(snapshot.meta, store.readSnapshot(snapshot));
    machine.applyMembership?.(snapshot.meta.conf, snapshot.meta.index, new Uint8Array(0));
  }
  return new RaftDriver(options, snapshot?.meta.index);
}

function findSnapshot(store: LogStore): Snapshot | undefined {
  try {
    return store.snapshot();
  } catch (error) {
    if (error instanceof LogError && error.code === 'snapshot-temporarily-unavailable') return undefined;
    throw error;
  }
}
