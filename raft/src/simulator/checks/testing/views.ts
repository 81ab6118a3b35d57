import type { Entry, Message } from '../../../core/index.ts';
import { EMPTY_CONF_STATE, MemoryLog } from '../../../core/index.ts';
import { encodeValue } from '../../list-machine.ts';
import type { MemberView } from '../check.ts';

/** Member 1 of three, a follower in term 1 with an empty log, but for what is given. */
export function memberView(fields: Partial<MemberView> = {}): MemberView {
  return {
    id: 1,
    start: 1,
    role: 'follower',
    term: 1,
    commit: 0,
    applied: 0,
    lastIndex: 0,
    conf: { ...EMPTY_CONF_STATE, voters: [1, 2, 3] },
    ...fields,
  };
}

export function valueEntry(term: number, index: number, value = index): Entry {
  return { term, index, type: 'normal', data: encodeValue(value) };
}

export function changeEntry(term: number, index: number): Entry {
  return { term, index, type: 'conf-change', data: new Uint8Array(0) };
}

/** A log of entries of these terms, from index 1 on. */
export function logOfTerms(...terms: number[]): MemoryLog {
  return logOfEntries(terms.map((term, at) => valueEntry(term, at + 1)));
}

export function logOfEntries(entries: readonly Entry[]): MemoryLog {
  const log = new MemoryLog();
  log.append(entries);
  return log;
}

export function sentMessage(fields: Partial<Message> & Pick<Message, 'type' | 'from' | 'to' | 'term'>): Message {
  return {
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    vote: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: new Uint8Array(0),
    responses: [],
    ...fields,
  };
}
