import type { Entry, Message, MessageType, NodeId } from './types.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from './types.ts';

export const NO_BYTES = new Uint8Array(0);
export const NO_ENTRIES: readonly Entry[] = [];
export const NO_MESSAGES: readonly Message[] = [];

/** A message that is still being filled in. */
export type MessageDraft = { -readonly [K in keyof Message]: Message[K] };

/**
 * All messages are made here, with the same fields in the same order: the engine then keeps one hidden class for
 * them, which is worth more than the few bytes that unused fields cost.
 */
export function draftMessage(type: MessageType, to: NodeId): MessageDraft {
  return {
    type,
    to,
    from: 0,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: NO_ENTRIES,
    commit: 0,
    vote: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: NO_BYTES,
    responses: NO_MESSAGES,
  };
}

/** Types that a member sends to itself; from the network they would be an intrusion. */
export function isLocalType(type: MessageType): boolean {
  switch (type) {
    case 'hup':
    case 'beat':
    case 'unreachable':
    case 'snapshot-status':
    case 'check-quorum':
    case 'storage-append':
    case 'storage-append-response':
    case 'storage-apply':
    case 'storage-apply-response':
      return true;
    default:
      return false;
  }
}

/** Answers, which make sense only from a member that we know. */
export function isResponseType(type: MessageType): boolean {
  switch (type) {
    case 'append-response':
    case 'append-received':
    case 'vote-response':
    case 'pre-vote-response':
    case 'heartbeat-response':
    case 'read-index-response':
    case 'unreachable':
    case 'storage-append-response':
    case 'storage-apply-response':
      return true;
    default:
      return false;
  }
}

export function isLocalTarget(id: NodeId): boolean {
  return id === LOCAL_APPEND_THREAD || id === LOCAL_APPLY_THREAD;
}

/** Bytes that mark a vote request as part of a leadership transfer, which a lease does not hold up. */
export const CAMPAIGN_TRANSFER = new Uint8Array([0x54]);

export function isTransferMark(context: Uint8Array): boolean {
  return context.length === 1 && context[0] === CAMPAIGN_TRANSFER[0];
}
