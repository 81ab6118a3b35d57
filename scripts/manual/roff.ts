/** Text in the language of man pages: man-pages(7), groff_man(7), groff_char(7). */

/** What means something else to groff, or would be printed as another character than the one that was written. */
const CHARACTERS: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
  '…': '...',
};

/** As it was written, to the letter: what people copy. */
export function literal(text: string): string {
  const escaped = text.replaceAll(/[\\'`^~"…-]/g, (character) => CHARACTERS[character]!);
  return beyondAscii(protectStart(escaped));
}

/** Prose: a hyphen may be a typographic one, and an apostrophe too. */
export function prose(text: string): string {
  const escaped = text.replaceAll(/[\\`^~"…]/g, (character) => CHARACTERS[character]!);
  return beyondAscii(protectStart(escaped));
}

/** Commands, keys, flags: what is typed. */
export function bold(text: string): string {
  return text === '' ? '' : `\\fB${literal(text)}\\fR`;
}

function italic(text: string): string {
  return text === '' ? '' : `\\fI${literal(text)}\\fR`;
}

/** Commands and keys bold, what one replaces (in capitals) italic: `node show NODE [--wide]`. */
export function usage(text: string): string {
  const parts = text.split(/(\[?[A-Z][A-Z:,…|]*\]?…?)(?![a-z])/u);
  return parts.map((part, place) => (place % 2 === 0 ? usageWords(part) : placeholder(part))).join('');
}

function usageWords(text: string): string {
  return text
    .split(/([[\]|]|\s+)/u)
    .map((part, place) => (place % 2 === 0 ? bold(part) : literal(part)))
    .join('');
}

function placeholder(text: string): string {
  const [, open = '', name = '', close = ''] = /^(\[?)(.*?)(\]?…?)$/u.exec(text) ?? [];
  return `${literal(open)}${italic(name)}${literal(close)}`;
}

/** A line that begins with one of these would be a request. */
function protectStart(text: string): string {
  return text.replaceAll(/^([.'])/gm, '\\&$1').replaceAll(/^(\\\(aq)/gm, '\\&$1');
}

function beyondAscii(text: string): string {
  return text.replaceAll(/[^\p{ASCII}]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    return `\\[u${code}]`;
  });
}

export interface PageHead {
  readonly name: string;
  readonly section: 1 | 5 | 8;
  /** A clause that `apropos` finds. */
  readonly summary: string;
}

/** Where pages come from. */
export interface Edition {
  readonly version: string;
  /** Such as "2026-11-22". */
  readonly date: string;
}

/** The beginning of a page, up to its NAME. */
export function head({ name, section, summary }: PageHead, { version, date }: Edition): string {
  const title = [name.toUpperCase(), `${section}`, date, `Cell ${version}`, 'Cell manual'];
  const words = title.map((word) => `"${literal(word)}"`).join(' ');
  // Without hyphenation, names stay as one types them; "ad l" leaves the right margin ragged.
  return `.TH ${words}\n.nh\n.ad l\n.SH NAME\n${literal(name)} \\- ${prose(summary)}\n`;
}

export function section(title: string, body: string): string {
  return body === '' ? '' : `.SH ${literal(title.toUpperCase())}\n${body}`;
}

export function subsection(title: string, body: string): string {
  return `.SS ${literal(title)}\n${body}`;
}

export function paragraph(text: string): string {
  return `.PP\n${text}\n`;
}

/** A term and what it is: both are roff already. */
export function tagged(term: string, text: string): string {
  return `.TP\n${term}\n${text}\n`;
}

/** Lines as they are, indented. */
export function listing(lines: readonly string[]): string {
  const written = lines.map((line) => (line === '' ? '\\&' : literal(line)));
  return `.PP\n.RS 4\n.nf\n${written.join('\n')}\n.fi\n.RE\n`;
}

/** Other pages: `['cellctl(1)', 'systemd.exec(5)']`. */
export function seeAlso(pages: readonly string[]): string {
  const lines = pages.map((page, place) => {
    const [, name = '', number = ''] = /^(.+)\((\d)\)$/.exec(page) ?? [];
    return `.BR ${literal(name)} (${number})${place < pages.length - 1 ? ' ,' : ''}`.replace(') ,', '),');
  });
  return section('See also', `${lines.join('\n')}\n`);
}
