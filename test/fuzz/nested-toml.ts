import type { Random } from './random.ts';

/** Up to what fits in one input. */
const COUNTS = [2, 30, 500, 4_000, 15_000];

/** Of keys and tables that nobody knows: each is a problem that is told, with what may have been meant. */
const KEYS_MAX = 1_000;

/** Each is sound TOML, or nearly, and makes a parser go deep, look back, or hold much. */
const FORMS: readonly ((count: number, random: Random) => string)[] = [
  (count) => `a = ${'['.repeat(count)}${']'.repeat(count)}\n`,
  (count) => `a = ${'['.repeat(count)}\n`,
  (count) => `a = ${'{a='.repeat(count)}1${'}'.repeat(count)}\n`,
  (count) => `a = ${'[{a='.repeat(count)}1${'}]'.repeat(count)}\n`,
  (count) => `${Array(count).fill('a').join('.')} = 1\n`,
  (count) => `[${Array(count).fill('a').join('.')}]\n`,
  (count) => `[[${Array(count).fill('a').join('.')}]]\n`,
  (count) => '[[a]]\n'.repeat(Math.min(count, KEYS_MAX)),
  (count) => '[[a.b]]\n[[a]]\n'.repeat(Math.min(count, KEYS_MAX)),
  (count) => Array.from({ length: Math.min(count, KEYS_MAX) }, (_, place) => `k${place} = 1`).join('\n'),
  (count) => Array.from({ length: Math.min(count, KEYS_MAX) }, (_, place) => `a.b.k${place} = 1`).join('\n'),
  (count) => Array.from({ length: Math.min(count, KEYS_MAX) }, (_, place) => `[t${place}]`).join('\n'),
  (count) => `a = ${'9'.repeat(count)}\n`,
  (count) => `a = 0.${'0'.repeat(count)}1\n`,
  (count) => `a = ${'1_'.repeat(count)}1\n`,
  (count) => `a = "${'\\u00e9'.repeat(count)}"\n`,
  (count) => `a = """${'"" '.repeat(count)}`,
  (count) => `a = '''${"'' ".repeat(count)}'''\n`,
  (count) => `a = "${'\\'.repeat(count)}\n`,
  (count) => `${' '.repeat(count)}a${' '.repeat(count)}= 1\n`,
  (count) => '#\n'.repeat(count),
  (count) => `${'"'.repeat(count)} = 1\n`,
  (count) => `a = [${'1,'.repeat(count)}]\n`,
  (count) => `a = [${'\n'.repeat(count)}]\n`,
  (count) => `${'__proto__.'.repeat(count)}a = 1\n`,
  (count, random) => `${random.pick(['env', 'ports', 'health', 'secrets'])} = { ${'a = 1, '.repeat(count)}b = 2 }\n`,
];

/** In front of, behind or within what is good. */
export function nestedToml(random: Random, good: readonly Uint8Array[]): Buffer {
  const hostile = random.pick(FORMS)(random.pick(COUNTS), random);
  const lines = Buffer.from(random.pick(good)).toString().split('\n');
  const at = random.below(lines.length + 1);
  return Buffer.from([...lines.slice(0, at), hostile, ...lines.slice(at)].join('\n'));
}
