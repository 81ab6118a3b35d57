// JSON may hold these as they are, and some terminals obey the first of them as they do an escape.
const CONTROL = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** The value as JSON without anything that a terminal would obey; `indent`: spaces, 0 for one line. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replaceAll(CONTROL, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
