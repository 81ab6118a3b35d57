import { nearestWord } from '../nearest-word.ts';
import { renderValue } from '../toml-text.ts';
import { refuse, type ValueType } from './value-type.ts';

/**
 * One of a few words.
 *
 * @param words each word as it stands in a file, with the value of a JobSpec that it means
 * @param later words that mean nothing yet, each with what to say of it
 */
export function choice<T extends string>(
  words: Readonly<Record<string, T>>,
  later: Readonly<Record<string, string>> = {},
): ValueType<T> {
  const names = Object.keys(words);
  const allowed = listWords(names);
  const toFile = (value: unknown) => names.find((name) => words[name] === value) ?? value;
  return {
    allowed,
    toFile,
    check: (value) => (names.some((name) => words[name] === value) ? [] : refuse(toFile(value), allowed)),
    read: (value) => {
      if (typeof value !== 'string') return { refusals: refuse(value, allowed) };
      const meaning = Object.hasOwn(words, value) ? words[value] : undefined;
      if (meaning !== undefined) return { value: meaning };
      const said = Object.hasOwn(later, value) ? later[value] : undefined;
      if (said !== undefined) return { refusals: [{ at: [], value, message: `${said}; use ${allowed}` }] };
      const nearest = nearestWord(value, names);
      const hint = nearest === undefined ? undefined : `did you mean ${renderValue(nearest)}?`;
      return { refusals: refuse(value, allowed, hint) };
    },
  };
}

/** `"a", "b" or "c"` */
function listWords(words: readonly string[]): string {
  const quoted = words.map((word) => renderValue(word));
  return `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}
