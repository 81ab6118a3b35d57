/** A part of a package whose authors are others than Cell's. */
export interface ForeignPart {
  /** Where it is, or was before it was bundled: a path, or a pattern of paths. */
  readonly source: string;
  readonly version: string;
  readonly homepage?: string;
  /** As its package says, an SPDX expression such as "MIT". */
  readonly license: string;
  /** Its licence file, with the notices that it asks to keep. */
  readonly text: string;
}

/** Licences whose text Debian has on every machine; the policy asks to name it there. */
const ON_EVERY_MACHINE: ReadonlyMap<string, string> = new Map([
  ['Apache-2.0', '/usr/share/common-licenses/Apache-2.0'],
]);
const COPYRIGHT_LINE = /^\W*(Copyright (?:\(c\)|\(C\)|©|\d|[A-Z]).*)$/;
const TEXT_OF_APACHE = /Apache License\s+Version 2\.0, January 2004/;

/**
 * The file "copyright" of a package in Debian's machine-readable form: Cell's own licence, and then each foreign part
 * with its notices in full.
 *
 * See https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function copyrightFile(parts: readonly ForeignPart[]): string {
  const paragraphs = [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: cell',
    'Files: *\nCopyright: The Cell authors\nLicense: Apache-2.0',
    ...parts.map(partParagraph),
    `License: Apache-2.0\n${indented(`Its full text is in "${ON_EVERY_MACHINE.get('Apache-2.0')}".`)}`,
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

function partParagraph(part: ForeignPart): string {
  const lines = [`Files: ${part.source}`, `Copyright: ${copyrightLines(part.text).join('\n ')}`];
  const where = part.homepage === undefined ? '' : `, ${part.homepage}`;
  lines.push(`Comment: version ${part.version}${where}`);
  if (ON_EVERY_MACHINE.has(part.license) && TEXT_OF_APACHE.test(part.text)) {
    lines.push(`License: ${part.license}`);
  } else {
    // A name of its own: the same licence has other notices in each part.
    lines.push(`License: ${words(part.license)}-of-${words(part.source)}`, indented(part.text));
  }
  return lines.join('\n');
}

/** Licences have one word as their name. */
function words(text: string): string {
  return text
    .replace(/^node_modules\//, '')
    .replaceAll(/[^\w.]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

function copyrightLines(text: string): string[] {
  const found = text.split('\n').flatMap((line) => COPYRIGHT_LINE.exec(line.trim())?.[1] ?? []);
  const distinct = [...new Set(found.map((line) => line.replace(/^copyright\s*/i, '').trim()))];
  return distinct.length > 0 ? distinct : ['the authors of this part'];
}

/** As the value of a field: each line one space in, empty ones a dot. */
function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}
