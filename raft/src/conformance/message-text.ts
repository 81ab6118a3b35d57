import { decodeConfChange } from '../core/index.ts';
import type { ConfState, Entry, HardState, Message, Ready, Snapshot, SoftState } from '../core/types.ts';
import { changesText, isFirstVersion } from './conf-change-text.ts';
import { MESSAGE_NAMES, ROLE_NAMES, targetText } from './names.ts';
import { quote } from './quote.ts';

/** `term/index Type "data"`; changes of membership are shown as `v1 l2`. */
export function entryText(entry: Entry): string {
  const place = `${entry.term}/${entry.index}`;
  if (entry.type === 'normal') return `${place} EntryNormal ${quote(entry.data)}`;
  const change = decodeConfChange(entry.data);
  const name = isFirstVersion(change) ? 'EntryConfChange' : 'EntryConfChangeV2';
  const changes = changesText(change.changes);
  return changes === '' ? `${place} ${name}` : `${place} ${name} ${changes}`;
}

export function entriesText(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entryText(entry)}\n`).join('');
}

export function messageText(message: Message, indent = ''): string {
  const { from, to, type, term, logTerm, index, commit, vote, entries, snapshot, responses } = message;
  let text = `${indent}${targetText(from)}->${targetText(to)} ${MESSAGE_NAMES[type]} Term:${term} Log:${logTerm}/${index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (commit !== 0) text += ` Commit:${commit}`;
  if (vote !== 0) text += ` Vote:${vote}`;
  if (entries.length === 1) {
    text += ` Entries:[${entryText(entries[0] as Entry)}]`;
  } else if (entries.length > 1) {
    text += ` Entries:[${entries.map((entry) => `\n${indent}  ${entryText(entry)}`).join('')}\n${indent}]`;
  }
  if (snapshot !== undefined) text += `\n${indent}  Snapshot: ${snapshotText(snapshot)}`;
  if (responses.length > 0) {
    text += ` Responses:[${responses.map((response) => `\n${messageText(response, `${indent}  `)}`).join('')}\n${indent}]`;
  }
  return text;
}

export function snapshotText({ meta }: Snapshot): string {
  return `Index:${meta.index} Term:${meta.term} ConfState:${confStateText(meta.conf)}`;
}

export function confStateText(conf: ConfState): string {
  const lists = {
    Voters: conf.voters,
    VotersOutgoing: conf.votersOutgoing,
    Learners: conf.learners,
    LearnersNext: conf.learnersNext,
  };
  const parts = Object.entries(lists).map(([name, ids]) => `${name}:[${ids.join(' ')}]`);
  return `${parts.join(' ')} AutoLeave:${conf.autoLeave}`;
}

export function readyText(ready: Ready): string {
  let text = '';
  if (ready.softState !== undefined) text += `${softStateText(ready.softState)}\n`;
  if (ready.hardState !== undefined) text += `HardState ${hardStateText(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(({ index, context }) => `{${index} [${[...context].join(' ')}]}`);
    text += `ReadStates [${states.join(' ')}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${entriesText(ready.entries)}`;
  if (ready.snapshot !== undefined) text += `Snapshot ${snapshotText(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) text += `CommittedEntries:\n${entriesText(ready.committedEntries)}`;
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((message) => `${messageText(message)}\n`).join('')}`;
  }
  return text === '' ? '<empty Ready>' : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

function softStateText(state: SoftState): string {
  return `Lead:${state.leader} State:${ROLE_NAMES[state.role]}`;
}

function hardStateText(state: HardState): string {
  const vote = state.vote === 0 ? '' : ` Vote:${state.vote}`;
  return `Term:${state.term}${vote} Commit:${state.commit}`;
}
