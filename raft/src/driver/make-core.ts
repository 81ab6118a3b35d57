import { defaultConfig, RawNode } from '../core/index.ts';
import type { DriverOptions } from './ports.ts';
import { makeCoreLog, type SnapshotTaker } from './snapshot-taker.ts';

/** The core as the driver runs it: one tick is one heartbeat, and what it wants stored and applied are messages. */
export function makeCore(options: DriverOptions, taker: SnapshotTaker, applied: number): RawNode {
  return new RawNode({
    ...defaultConfig,
    id: options.id,
    log: makeCoreLog(options.store, () => taker.newest()),
    applied,
    random: options.random,
    electionTicks: Math.round(options.electionMs / options.heartbeatMs),
    heartbeatTicks: 1,
    asyncStorageWrites: true,
    disableProposalForwarding: true,
    uncommittedSizeMax: options.uncommittedSizeMax ?? defaultConfig.uncommittedSizeMax,
    trace: options.trace,
  });
}
