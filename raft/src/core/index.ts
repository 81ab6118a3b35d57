/** The public door of the consensus core: pure and deterministic, without clock, disk, network or text. */
export { decodeConfChange, encodeConfChange, LEAVE_JOINT } from './confchange/conf-change-codec.ts';
export type { CoreErrorCode } from './core-error.ts';
export { CoreError } from './core-error.ts';
export { defaultConfig } from './default-config.ts';
export { entriesSize, entrySize } from './entry-size.ts';
export { InvariantError } from './invariant-error.ts';
export { EMPTY_CONF_STATE, MemoryLog } from './log/memory-log.ts';
export type { ProgressState, ProgressView } from './progress/progress.ts';
export type { ProposalPlace } from './raw-node.ts';
export { RawNode } from './raw-node.ts';
export type { BasicStatus, Status } from './status.ts';
export * from './types.ts';
