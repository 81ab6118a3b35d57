/** docs/configuration.md against what the daemons say of their own keys. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');

interface DocumentedKey {
  readonly key: string;
  readonly allowed: string;
}

/** The rows of a section's table. */
function documentedKeys(section: string): DocumentedKey[] {
  const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
  const text = page.split(/^## /m).find((each) => each.startsWith(section)) ?? '';
  return [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| [^|]+ \|$/gm)].map(([, key = '', allowed = '']) => ({
    key,
    allowed,
  }));
}

/** A file in which each key has a value that no key may have, and each table a key that is not known. */
function wrongFile(keys: readonly DocumentedKey[]): string {
  const tables = new Map<string, string[]>([['', []]]);
  for (const { key, allowed } of keys) {
    const place = Math.max(key.lastIndexOf('.'), 0);
    const name = key.slice(place === 0 ? 0 : place + 1);
    const table = key.slice(0, place);
    const value = allowed.startsWith('an array of 0') ? '{}' : '[]';
    tables.set(table, [...(tables.get(table) ?? []), `${name} = ${value}`]);
  }
  return [...tables]
    .map(([table, lines]) => {
      const header = table === '' ? '' : table.endsWith('[]') ? `[[${table.slice(0, -2)}]]` : `[${table}]`;
      return [header, ...lines, 'unknown = []'].join('\n');
    })
    .join('\n');
}

/** What the daemon says of the file. */
function problemsOf(program: string, toml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cell-configuration-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'wrong.toml');
  writeFileSync(file, toml);
  try {
    execFileSync(join(ROOT, 'bin', program), ['--config', file], { stdio: 'pipe', encoding: 'utf8' });
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr);
  }
  throw new Error('The daemon accepted a file in which everything is wrong');
}

/** All keys of a table as the daemon lists them when it refuses one that it doesn't know. */
function knownKeys(problems: string): string[] {
  return [...problems.matchAll(/Key "(.*)unknown" is not known here\. Known are (.*)/g)].flatMap(([, table, list]) => {
    return [...(list ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => `${table?.replace('[0]', '[]')}${name}`);
  });
}

test.each([
  { program: 'cell-control-plane', section: 'Member of the control plane' },
  { program: 'cell-agent', section: 'Agent' },
])('docs/configuration.md has every key of $program and says what it allows', ({ program, section }) => {
  const documented = documentedKeys(section);
  const single = documented.filter(({ key }) => !documented.some((other) => other.key.startsWith(`${key}[]`)));
  const problems = problemsOf(program, wrongFile(single));
  const lists = documented.filter((each) => !single.includes(each));
  const others = lists.length === 0 ? '' : problemsOf(program, wrongFile(lists));
  const said = `${problems}${others}`.replaceAll('[0]', '[]');
  for (const { key, allowed } of documented) {
    expect(said).toMatch(new RegExp(`Key "${escaped(key)}" has .*\\. It must be ${escaped(allowed)}(\n|$)`, 'm'));
  }
  const tables = new Set(documented.flatMap(({ key }) => /^(.+?)(\[\])?\./.exec(key)?.[1] ?? []));
  const keys = knownKeys(problems).filter((key) => !tables.has(key));
  expect(
    documented
      .map(({ key }) => key)
      .filter((key) => !tables.has(key))
      .sort(),
  ).toEqual(keys.sort());
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
