import { defaultConfig, RawNode } from '../core/index.ts';
import { leaseTimeOf } from './lease-time.ts';
import type { DriverOptions } from './ports.ts';
import { makeCoreLog, type SnapshotTaker } from './snapshot-taker.ts';

/** Bytes of entries on their way to one member: less than a transport buffers, so that it need not drop any. */
export const INFLIGHT_BYTES_MAX = 8 * 1024 * 1024;

/** The core as the driver runs it: one tick is one heartbeat, and what it wants stored and applied are messages. */
export function makeCore(options: DriverOptions, taker: SnapshotTaker, applied: number): RawNode {
  const electionTicks = Math.round(options.electionMs / options.heartbeatMs);
  return new RawNode({
    ...defaultConfig,
    id: options.id,
    log: makeCoreLog(options.store, () => taker.newest()),
    applied,
    random: options.random,
    electionTicks,
    heartbeatTicks: 1,
    asyncStorageWrites: true,
    disableProposalForwarding: true,
    readOnlyOption: options.leaseReads === true ? 'lease-based' : 'safe',
    leaseTime: leaseTimeOf(options, electionTicks),
    // Whether or not we read by lease, another member may, and no setting of ours must make its reads wrong.
    keepPromise: true,
    inflightBytesMax: INFLIGHT_BYTES_MAX,
    uncommittedSizeMax: options.uncommittedSizeMax ?? defaultConfig.uncommittedSizeMax,
    trace: options.trace,
  });
}
