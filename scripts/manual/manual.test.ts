import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, type TestContext, test } from 'vitest';
import { allCommands } from '../../cli/src/commands/all-commands.ts';
import { parseMarkdown, renderBlocks } from './markdown.ts';
import { bold, head, listing, paragraph, prose, usage } from './roff.ts';
import { manualPages, writeManual } from './write-manual.ts';

const EDITION = { version: '1.2.3', date: '2026-11-22' };
const pages = manualPages(EDITION);

/** What groff says of a page, and the text that it makes of it. */
function groff(text: string): { readonly warnings: string; readonly output: string } {
  const flags = ['-ww', '-man', '-Tutf8', '-P-cbou', '-rLL=2000n'];
  const { stdout, stderr } = spawnSync('groff', flags, { input: text, encoding: 'utf8' });
  return { warnings: stderr, output: stdout };
}

function skipWithout(context: TestContext, command: string, ...words: readonly string[]): void {
  if (spawnSync(command, words).status !== 0) context.skip(`There is no ${command}`);
}

test.for(pages)('$file is clean', ({ text }, context) => {
  skipWithout(context, 'groff', '--version');
  expect(groff(text).warnings).toBe('');
  // A line that begins with a dot is a request that is meant.
  for (const line of text.split('\n').filter((each) => each.startsWith('.'))) {
    expect(line).toMatch(/^\.(TH|SH|SS|PP|TP|IP|RS|RE|nf|fi|nh|ad|BR)( |$)/);
  }
});

test('there is a page of each noun, file and daemon', () => {
  const nouns = new Set(allCommands.filter(({ hidden }) => hidden !== true).map(({ path }) => `cellctl-${path[0]}.1`));
  const others = ['cellctl.1', 'cell-agent.8', 'cell-control-plane.8'];
  const files = ['cell-agent.toml.5', 'cell-control-plane.toml.5', 'cell-job.toml.5'];
  expect(pages.map(({ file }) => file).toSorted()).toEqual([...nouns, ...others, ...files].toSorted());
});

test('apropos finds every page by its name and what it is about', (context) => {
  skipWithout(context, 'lexgrog', '--version');
  const folder = mkdtempSync(join(tmpdir(), 'cell-manual-'));
  try {
    for (const { file, text } of pages) {
      const path = join(folder, file);
      writeFileSync(path, text);
      const { stdout } = spawnSync('lexgrog', [path], { encoding: 'utf8' });
      expect(stdout).toMatch(new RegExp(`: "${file.slice(0, -2)} - [^"]{10,}"\n$`));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every verb is explained with its arguments, flags and examples, as one types them', (context) => {
  skipWithout(context, 'groff', '--version');
  const printed = new Map(pages.map(({ file, text }) => [file, groff(text).output]));
  for (const command of allCommands.filter(({ hidden }) => hidden !== true)) {
    const page = printed.get(`cellctl-${command.path[0]}.1`)!;
    expect(page).toContain(['cellctl', ...command.path].join(' '));
    for (const name of Object.keys(command.flags)) expect(page).toContain(`--${name}`);
    for (const name of Object.keys(command.arguments)) expect(page).toContain(name);
    for (const example of command.examples) expect(page).toContain(example.command);
  }
});

test('what is written is printed to the letter, whatever it is', (context) => {
  skipWithout(context, 'groff', '--version');
  const special = fc.constantFrom(
    ...String.raw`\.'"-^~%$*[](){}<>#|…–é→`.split(''),
    '\\fB',
    '.SH',
    "'in",
    '\\n',
    'a',
    ' ',
  );
  const line = fc.array(special, { minLength: 1, maxLength: 12 }).map((parts) => `<${parts.join('')}>`);
  const starts = fc.sample(line, { numRuns: 300, seed: 7 });
  // The end keeps spaces at the end; the beginning is what a request would need.
  const lines = starts.flatMap((each) => [each, `${each.slice(1)}`]);
  const { output, warnings } = groff(head({ name: 'x', section: 1, summary: 'y z' }, EDITION) + listing(lines));
  expect(warnings).toBe('');
  const said = output.split('\n').map((each) => each.replace(/^ {11}/, ''));
  for (const each of lines) expect(said).toContain(each.replaceAll('…', '...'));
});

test('prose, bold words and usage keep all their characters too', (context) => {
  skipWithout(context, 'groff', '--version');
  const text = String.raw`'It' says \n "a\b" ~ ^ .5 — don't`;
  const page = `${head({ name: 'x', section: 1, summary: 'y z' }, EDITION)}${paragraph(prose(text))}${paragraph(bold(text))}`;
  const { output, warnings } = groff(`${page}${paragraph(usage('cellctl node show NODE [--o-k a|b] [FLAG…]'))}`);
  expect(warnings).toBe('');
  expect(output.replaceAll('’', "'").split(text)).toHaveLength(3);
  expect(output).toContain('cellctl node show NODE [--o-k a|b] [FLAG...]');
});

test('hyphens of what people copy stay hyphens with every groff', () => {
  expect(usage('cell-agent --check')).toBe('\\fBcell\\-agent\\fR \\fB\\-\\-check\\fR');
});

test('a list explains the keys of the table before it, and one that explains nothing is refused', () => {
  const table =
    '| Key | Allowed | Default |\n|---|---|---|\n| `a` | a word | `"x"` |\n| `b.c` | a number | **required** |\n\n';
  expect(renderBlocks(parseMarkdown(`${table}- \`a\`: the first.\n- \`b\`: the others\n  of them.\n`))).toBe(
    [
      '.TP\n\\fBa\\fR\nA word. Default: \\fB\\(dqx\\(dq\\fR. The first.\n',
      '.TP\n\\fBb.c\\fR\nA number. Required. The others of them.\n',
    ].join(''),
  );
  expect(() => renderBlocks(parseMarkdown(`${table}- \`z\`: nothing.\n`))).toThrow('explains no key');
});

test('pages and completions lie where a machine has them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cell-manual-'));
  try {
    writeManual(folder, EDITION);
    for (const { file, text } of pages) {
      expect(readFileSync(join(folder, `usr/share/man/man${file.at(-1)}`, file), 'utf8')).toBe(text);
    }
    const others = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /cellctl(\.fish)?$/.test(path),
    );
    expect(others.toSorted((left, right) => left.localeCompare(right))).toEqual([
      'usr/share/bash-completion/completions/cellctl',
      'usr/share/fish/vendor_completions.d/cellctl.fish',
      'usr/share/zsh/vendor-completions/_cellctl',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
