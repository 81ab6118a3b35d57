import type { Member, PlainValue } from '@cell/sdk';
import type { View } from '../../output/view.ts';
import { renderMembers } from './member-table.ts';

/** What a change of the membership led to: a sentence, and all members. */
export function memberChangeView(sentence: string, members: readonly Member[], plain: PlainValue): View {
  return { plain: () => plain, text: (style) => `${sentence}\n\n${renderMembers(members, style)}\n` };
}
