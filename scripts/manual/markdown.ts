/** The Markdown that the documentation is written in, as roff: paragraphs, lists, tables of keys, listings. */
import { bold, listing, literal, paragraph, prose, subsection, tagged } from './roff.ts';

/** One block of a page. */
export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'listing'; readonly lines: readonly string[] };

export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.replaceAll(/<!--.*?-->\n?/gs, '').split('\n');
  for (let index = 0; index < lines.length; ) {
    const taken = takeBlock(lines, index);
    if (taken.block !== undefined) blocks.push(taken.block);
    index = taken.next;
  }
  return blocks;
}

interface Taken {
  readonly block: Block | undefined;
  readonly next: number;
}

function takeBlock(lines: readonly string[], start: number): Taken {
  const line = lines[start]!;
  if (line.trim() === '') return { block: undefined, next: start + 1 };
  const heading = /^(#+) (.*)$/.exec(line);
  if (heading !== null) {
    return { block: { kind: 'heading', level: heading[1]!.length, text: heading[2]! }, next: start + 1 };
  }
  if (line.startsWith('```')) return takeListing(lines, start);
  const end = endOf(lines, start);
  const own = lines.slice(start, end);
  if (line.startsWith('|')) {
    return { block: { kind: 'table', header: cells(line), rows: own.slice(2).map(cells) }, next: end };
  }
  if (!line.startsWith('- ')) return { block: { kind: 'paragraph', text: own.join(' ') }, next: end };
  const items = own
    .join('\n')
    .split(/^- /m)
    .slice(1)
    .map((item) => item.replaceAll(/\s*\n\s*/g, ' ').trim());
  return { block: { kind: 'list', items }, next: end };
}

function takeListing(lines: readonly string[], start: number): Taken {
  const length = lines.slice(start + 1).indexOf('```');
  const end = length < 0 ? lines.length : start + 1 + length;
  return { block: { kind: 'listing', lines: lines.slice(start + 1, end) }, next: end + 1 };
}

function endOf(lines: readonly string[], start: number): number {
  const length = lines.slice(start).findIndex((line) => line.trim() === '' || line.startsWith('```'));
  return length < 0 ? lines.length : start + length;
}

function cells(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** Pages of the documentation that are man pages too. */
const PAGES: Readonly<Record<string, string>> = {
  'cellctl.md': 'cellctl(1)',
  'job-file.md': 'cell-job.toml(5)',
};

function linkText(_link: string, text: string, target: string): string {
  return PAGES[target] ?? text;
}

/** Code and what is strong are bold, links are their text. */
export function inline(text: string): string {
  const parts = text.replaceAll(/\[([^\]]+)\]\(([^)]*)\)/g, linkText).split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*)/);
  const roff = parts.map((part, place) => {
    if (place % 2 === 0) return place === 0 ? prose(part) : prose(`x${part}`).slice(1);
    if (part.startsWith('`')) return bold(part.slice(1, -1));
    return part.startsWith('**')
      ? bold(part.slice(2, -2).replaceAll('`', ''))
      : `\\fI${literal(part.slice(1, -1))}\\fR`;
  });
  return roff.join('');
}

/** Blocks one after the other; a heading begins a subsection. */
export function renderBlocks(blocks: readonly Block[]): string {
  return blocks
    .map((block, place) => {
      const next = blocks[place + 1];
      if (isKeyTable(block)) return renderKeys(block.rows, next?.kind === 'list' ? next.items : []);
      return block.kind === 'list' && isKeyTable(blocks[place - 1]) ? '' : renderBlock(block);
    })
    .join('');
}

/** A table of keys, and the list after it that explains them. */
function isKeyTable(block: Block | undefined): block is Block & { readonly kind: 'table' } {
  return block?.kind === 'table' && block.header.join() === 'Key,Allowed,Default';
}

/** What explains several keys comes with the last of them. */
function renderKeys(rows: readonly (readonly string[])[], items: readonly string[]): string {
  const texts = new Map<string, string>();
  for (const item of items) {
    const { names, text } = splitItem(item);
    const key = rows.findLast(([name = '']) => names.some((each) => isWithin(name, each)))?.[0];
    if (key === undefined) throw new Error(`Item ${names.join(', ') || text} explains no key of the table before it`);
    texts.set(key, text);
  }
  return rows
    .map(([key = '', allowed = '', written = '']) => {
      const rule = `${capitalized(allowed)}.`;
      const otherwise = written === '' ? '' : written === '**required**' ? ' Required.' : ` Default: ${written}.`;
      const text = texts.get(key);
      return tagged(inline(key), inline(`${rule}${otherwise}${text === undefined ? '' : ` ${capitalized(text)}`}`));
    })
    .join('');
}

/** `resources` explains `resources.cpu` too. */
function isWithin(key: string, name: string): boolean {
  return key === name || key.startsWith(`${name.slice(0, -1)}.`);
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return subsection(block.text.replaceAll('`', ''), '');
    case 'paragraph':
      return paragraph(inline(block.text));
    case 'listing':
      return listing(block.lines);
    case 'table':
      return block.rows.map(([term = '', ...rest]) => tagged(inline(term), inline(rest.join('; ')))).join('');
    case 'list':
      return block.items.map(renderItem).join('');
  }
}

/** "`name`: what it is" has its name as the term. */
function renderItem(item: string): string {
  const { names, text } = splitItem(item);
  return names.length === 0 ? `.IP \\(bu 2\n${inline(text)}\n` : tagged(inline(names.join(', ')), inline(text));
}

function splitItem(item: string): { readonly names: readonly string[]; readonly text: string } {
  const found = /^((?:`[^`]+`|\*[^*]+\*)(?:, (?:`[^`]+`|\*[^*]+\*))*):? (.*)$/s.exec(item);
  return found === null ? { names: [], text: item } : { names: found[1]!.split(', '), text: found[2]! };
}
