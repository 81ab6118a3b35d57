import { CoreError } from '../core-error.ts';
import { NO_BYTES } from '../message.ts';
import type { ConfChange, ConfChangeSingle, ConfChangeTransition, ConfChangeType } from '../types.ts';

/*
 * The data of a `conf-change` entry. The change that leaves a joint configuration, without context, is no bytes at
 * all: the leader proposes it by itself and must never be refused for size. Anything else is
 *
 *   version (1 byte) | transition (1) | number of changes (2) | { type (1), node id (8) }* | context (the rest)
 *
 * with big-endian numbers; a node id is two halves of 32 bits. The same change always gives the same bytes.
 */
const FORMAT_VERSION = 1;
const HEADER_BYTES = 4;
const CHANGE_BYTES = 9;
const CHANGES_MAX = 0xffff;
const HALF = 2 ** 32;

const TRANSITIONS: readonly ConfChangeTransition[] = ['auto', 'joint-implicit', 'joint-explicit'];
const TYPES: readonly ConfChangeType[] = ['add-voter', 'add-learner', 'remove', 'update'];

/** Leaves a joint configuration. */
export const LEAVE_JOINT: ConfChange = { transition: 'auto', changes: [], context: NO_BYTES };

export function encodeConfChange(change: ConfChange): Uint8Array {
  const { changes, context } = change;
  if (change.transition === 'auto' && changes.length === 0 && context.length === 0) return NO_BYTES;
  if (changes.length > CHANGES_MAX) {
    throw new CoreError(
      'conf-change-invalid',
      `A membership change holds '${changes.length}' changes, at most ${CHANGES_MAX} fit`,
    );
  }
  const bytes = new Uint8Array(HEADER_BYTES + changes.length * CHANGE_BYTES + context.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT_VERSION);
  view.setUint8(1, TRANSITIONS.indexOf(change.transition));
  view.setUint16(2, changes.length);
  let at = HEADER_BYTES;
  for (const { type, node } of changes) {
    view.setUint8(at, TYPES.indexOf(type));
    view.setUint32(at + 1, Math.floor(node / HALF));
    view.setUint32(at + 5, node % HALF);
    at += CHANGE_BYTES;
  }
  bytes.set(context, at);
  return bytes;
}

/** The change in an entry's data; CoreError `conf-change-malformed` if there is none. */
export function decodeConfChange(data: Uint8Array): ConfChange {
  if (data.length === 0) return LEAVE_JOINT;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < HEADER_BYTES) malformed(`it ends after ${data.length} bytes`);
  if (view.getUint8(0) !== FORMAT_VERSION)
    malformed(`its format version is '${view.getUint8(0)}', not ${FORMAT_VERSION}`);
  const transition = TRANSITIONS[view.getUint8(1)];
  if (transition === undefined) malformed(`transition '${view.getUint8(1)}' is unknown`);
  const count = view.getUint16(2);
  if (data.length < HEADER_BYTES + count * CHANGE_BYTES) malformed(`it ends within ${count} changes`);
  const changes: ConfChangeSingle[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const type = TYPES[view.getUint8(at)];
    if (type === undefined) malformed(`change type '${view.getUint8(at)}' is unknown`);
    const node = view.getUint32(at + 1) * HALF + view.getUint32(at + 5);
    if (!Number.isSafeInteger(node)) malformed(`node id '${node}' is too large`);
    changes.push({ type, node });
    at += CHANGE_BYTES;
  }
  return { transition, changes, context: data.subarray(at) };
}

function malformed(reason: string): never {
  throw new CoreError('conf-change-malformed', `Can't read a membership change: ${reason}`);
}
