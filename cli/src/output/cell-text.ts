/** Text in a table: one line, without anything that a terminal would obey, as wide as there is room. */

// What a workload or a person wrote goes through here, so that it can't move the cursor or hide a line.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const ELLIPSIS = '…';

/** Line breaks become spaces, other control characters a mark that is seen. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/gu, ' ').replaceAll(CONTROL, '\ufffd');
}

/** As `oneLine`, for text that may have several lines. */
export function printable(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}

/** In characters; those of Cell's own names take one column each. */
export function textWidth(text: string): number {
  return Array.from(text).length;
}

/** Cuts in the middle, for names that differ at their end, or at the end, for sentences. */
export function cutToWidth(text: string, width: number, where: 'middle' | 'end'): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  if (width <= 1) return ELLIPSIS.slice(0, width);
  if (where === 'end')
    return `${characters
      .slice(0, width - 1)
      .join('')
      .trimEnd()}${ELLIPSIS}`;
  const tail = Math.floor((width - 1) / 2);
  const head = width - 1 - tail;
  return `${characters.slice(0, head).join('')}${ELLIPSIS}${characters.slice(characters.length - tail).join('')}`;
}
