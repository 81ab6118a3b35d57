import { defaultConfig, RawNode } from '../core/index.ts';
import type { DriverOptions } from './ports.ts';
import { makeCoreLog, type SnapshotTaker } from './snapshot-taker.ts';

/** Bytes of entries on their way to one member: less than a transport buffers, so that it need not drop any. */
export const INFLIGHT_BYTES_MAX = 8 * 1024 * 1024;

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
    inflightBytesMax: INFLIGHT_BYTES_MAX,
    uncommittedSizeMax: options.uncommittedSizeMax ?? defaultConfig.uncommittedSizeMax,
    trace: options.trace,
  });
}
