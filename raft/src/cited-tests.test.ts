/** Holds PAPER.md and HAZARDS.md to what is there: every file and every test that they cite. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = import.meta.dirname;
const REPOSITORY = resolve(SOURCES, '../..');
const PAGES = ['PAPER.md', 'HAZARDS.md'] as const;

/** Numbered hazards, and the published defects, by the names that their tests bear. */
const HAZARDS = Array.from({ length: 9 }, (_, i) => `hazard ${i + 1}`);
const DEFECTS = [
  'Ongaro 2015',
  'etcd 7331',
  'etcd 12133',
  'etcd 10998',
  'etcd 10308',
  'etcd 14633',
  'etcd 10166',
  'etcd 10225',
  'etcd 12359',
  'etcd 3.5 post-mortem',
  'hashicorp 605',
  'hashicorp 609',
  'hashicorp 696',
  'consul 7031',
  'dragonboat 223',
  'canonical 203',
  'Cloudflare 2020',
  'NATS 2.12.1',
];

interface Citation {
  readonly line: number;
  readonly file: string;
  readonly title: string;
}

function pageText(page: string): string {
  return readFileSync(join(SOURCES, '..', page), 'utf8');
}

function citations(text: string): Citation[] {
  return text.split('\n').flatMap((content, at) => {
    const cell = content.endsWith(' |') ? content.slice(0, -2).split(' | ').at(-1) : undefined;
    if (cell === undefined) return [];
    return cell.split('<br>').flatMap((part) => {
      const found = /^`([^`]+)` › (.+)$/.exec(part);
      return found === null ? [] : [{ line: at + 1, file: found[1] as string, title: found[2] as string }];
    });
  });
}

/** Paths are relative to this folder, or to the repository. */
function locate(file: string): string | undefined {
  return [join(SOURCES, file), join(REPOSITORY, file)].find((path) => existsSync(path));
}

/** The titles of all tests of a file, as they are written. */
function titlesOf(path: string): ReadonlySet<string> {
  const text = readFileSync(path, 'utf8');
  const titles = new Set<string>();
  for (const [, quote, title] of text.matchAll(/\(\s*(['"])((?:(?!\1)[^\\\n]|\\.)+)\1,/g)) {
    titles.add((title as string).replaceAll(`\\${quote}`, quote as string));
  }
  return titles;
}

/** What a page cites and is not there, each with its line. */
function missing(text: string): string[] {
  const problems: string[] = [];
  for (const { line, file, title } of citations(text)) {
    const path = locate(file);
    if (path === undefined) problems.push(`line ${line}: there is no file '${file}'`);
    else if (!titlesOf(path).has(title)) problems.push(`line ${line}: '${file}' has no test '${title}'`);
  }
  for (const [at, content] of text.split('\n').entries()) {
    for (const [, file] of content.matchAll(/`([\w/-]+(?:\.\w+)*\.ts)`/g)) {
      if (locate(file as string) === undefined) problems.push(`line ${at + 1}: there is no file '${file}'`);
    }
  }
  return problems;
}

test.each(PAGES)('every file and every test that %s cites is there', (page) => {
  const text = pageText(page);
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Rule') && !line.startsWith('| |'));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) expect(citations(row), row).not.toEqual([]);
  expect(missing(text)).toEqual([]);
});

test('a citation of a test or of a file that is not there is found', () => {
  const good = '| A rule | `core/step.ts` | `core/election.test.ts` › a message of an earlier term changes nothing |';
  expect(missing(good)).toEqual([]);
  expect(missing(good.replace('changes nothing', 'changes all'))).toHaveLength(1);
  expect(missing(good.replace('core/step.ts', 'core/stop.ts'))).toHaveLength(1);
  expect(missing(good.replace('election.test', 'elections.test'))).not.toEqual([]);
});

test.each([...HAZARDS, ...DEFECTS])('%s has a test that bears its name, and HAZARDS.md cites it', (name) => {
  const named = citations(pageText('HAZARDS.md')).filter(({ title }) => title.includes(name));
  expect(named).not.toEqual([]);
});

test('HAZARDS.md leaves out no test of the folders of hazards', () => {
  const cited = new Set(citations(pageText('HAZARDS.md')).map(({ title }) => title));
  const folder = join(SOURCES, 'core/hazards');
  const files = readdirSync(folder).map((name) => join(folder, name));
  files.push(join(SOURCES, 'driver/hazards.test.ts'), join(SOURCES, 'storage/hazards.test.ts'));
  for (const file of files) {
    const named = [...titlesOf(file)].filter((title) =>
      /^(hazard \d|[\w .]+ \d[\d.]*( \(.*\)| post-mortem)?:)/.test(title),
    );
    expect(named.length, file).toBeGreaterThan(0);
    expect(
      named.filter((title) => !cited.has(title)),
      file,
    ).toEqual([]);
  }
});
