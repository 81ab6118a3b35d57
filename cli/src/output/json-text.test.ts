import { expect, test } from 'vitest';
import { jsonText } from './json-text.ts';
import { renderYaml } from './yaml.ts';

/** A terminal's title by the one-character form of the introducer, and text that runs backwards. */
const HOSTILE = { 'a\u009b2J': ['\u009d0;owned\u0007 \u202eoga\u2028\u007f'] };

test('what a workload says can not steer the terminal that shows it as JSON or YAML', () => {
  for (const text of [jsonText(HOSTILE), jsonText(HOSTILE, 2), renderYaml(HOSTILE)]) {
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  }
  expect(JSON.parse(jsonText(HOSTILE))).toEqual(HOSTILE);
  expect(jsonText({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
});
