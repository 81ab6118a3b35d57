import type { ConfChange, ConfChangeSingle, ConfChangeType, ConfState, NodeId } from '../core/types.ts';
import { CHANGE_LETTERS, CHANGE_NAMES, TRANSITION_NAMES } from './names.ts';

const TYPES = Object.keys(CHANGE_LETTERS) as ConfChangeType[];

/**
 * The reference has two entry types for changes; we have one, which can say all that either can. Transcripts name
 * the older type, so the runner marks such changes by this context.
 */
const FIRST_VERSION_MARK = new TextEncoder().encode('v1');

export function firstVersionContext(): Uint8Array {
  return FIRST_VERSION_MARK;
}

export function isFirstVersion(change: ConfChange): boolean {
  return change.context.length === 2 && change.context[0] === 0x76 && change.context[1] === 0x31;
}

/** Reads `v1 l2 r3 u4`. */
export function parseChanges(text: string): ConfChangeSingle[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return words.map((word) => {
    const type = TYPES.find((candidate) => CHANGE_LETTERS[candidate] === word[0]);
    const node = Number(word.slice(1));
    if (type === undefined || !Number.isInteger(node)) throw new Error(`unknown input: ${word}`);
    return { type, node };
  });
}

export function changesText(changes: readonly ConfChangeSingle[]): string {
  return changes.map(({ type, node }) => `${CHANGE_LETTERS[type]}${node}`).join(' ');
}

/** The long form, as the reference's log prints a change. */
export function confChangeText(change: ConfChange): string {
  const singles = change.changes.map(({ type, node }) => `type:${CHANGE_NAMES[type]} node_id:${node}`);
  if (isFirstVersion(change)) return singles.join(' ');
  return [`transition:${TRANSITION_NAMES[change.transition]}`, ...singles.map((text) => `changes:{${text}}`)].join(' ');
}

/** A membership as in `voters=(1 2)&&(1) learners=(3) autoleave`. */
export function membershipText(conf: ConfState): string {
  let text = `voters=${setText(conf.voters)}`;
  if (conf.votersOutgoing.length > 0) text += `&&${setText(conf.votersOutgoing)}`;
  if (conf.learners.length > 0) text += ` learners=${setText(conf.learners)}`;
  if (conf.learnersNext.length > 0) text += ` learners_next=${setText(conf.learnersNext)}`;
  return conf.autoLeave ? `${text} autoleave` : text;
}

function setText(ids: readonly NodeId[]): string {
  return `(${ids.join(' ')})`;
}
