import { expect, test } from 'vitest';
import { hideTokens } from './hide-tokens.ts';
import { readSettings } from './read-settings.ts';
import { absolutePath } from './scalars.ts';
import { optional } from './setting.ts';
import { table } from './structures.ts';

const SECRET = 'kj4un6a6ttcwphqwlhvzgpqtia65sfa5';
const TOKEN = `celljoin_sdxrz2yoky_${SECRET}_${'a'.repeat(52)}_xyrj3z`;

test.each([TOKEN, TOKEN.replace('join', 'key'), `/etc/${TOKEN}`, TOKEN.slice(0, 40), TOKEN.toUpperCase()])(
  'of "%s" only what tells it apart is left',
  (text) => {
    const hidden = hideTokens(`Could not read "${text}"`);
    expect(hidden).toMatch(/"(\/etc\/)?cell(join|key)_sdxrz2yoky_…"$/i);
    expect(hidden.toLowerCase()).not.toContain(SECRET.slice(0, 8));
  },
);

test('words that only begin so stay', () => {
  const text = 'one word that begins with "celljoin_", in /etc/cell/join-token for cellkey_short';
  expect(hideTokens(text)).toBe(text);
});

test('a token that stands where the name of its file belongs is told to nobody', () => {
  const schema = table({ token_file: optional(absolutePath()) });
  for (const text of [`token_file = "${TOKEN}"`, `"${TOKEN}" = 1`]) {
    expect(() => readSettings(text, { file: 'a.toml' }, schema)).toThrow(/^(?!.*kj4un6a6).*celljoin_sdxrz2yoky_…/s);
  }
});
