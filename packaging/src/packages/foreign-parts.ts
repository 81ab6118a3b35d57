import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';
import type { BundledPackage } from './bundle-program.ts';
import type { ForeignPart } from './copyright-file.ts';
import type { NodeRuntime } from './node-runtime.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly homepage?: string;
}

const LICENSE_FILE = /^licen[cs]e(\.(md|txt|markdown))?$/i;
const NOTICE_FILE = /^notice(\.(md|txt))?$/i;

/** A comment at the start of a file, or one that documents something in it. */
const COMMENT = /(?:^\/\/.*\n)+|\/\*\*?[\s\S]*?\*\//gm;

/** What a bundle has of an npm package, with its notices. A package that does not say its licence is refused. */
export function npmPart({ folder, files }: BundledPackage): ForeignPart {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name, version, license, homepage } = manifest;
  if (license === undefined) throw new PackagingError(`Cannot ship "${name}", which does not say its licence`);
  const inFolder = readdirSync(folder);
  const notices = [LICENSE_FILE, NOTICE_FILE].flatMap((pattern) => inFolder.filter((file) => pattern.test(file)));
  const texts = notices.map((file) => readFileSync(join(folder, file), 'utf8'));
  // Without a licence file, the notices are in the sources.
  const text = texts.length > 0 ? texts.join('\n') : copyrightComments(files).join('\n\n');
  if (text === '') throw new PackagingError(`Cannot ship "${name}", which has no notice of its licence "${license}"`);
  const source = `node_modules/${name}/*`;
  return { source, version, license, text, ...(homepage === undefined ? {} : { homepage }) };
}

/** Each distinct comment of the files that claims a copyright, without the marks of a comment. */
function copyrightComments(files: readonly string[]): string[] {
  const found = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(COMMENT)].map(([comment]) => comment));
  const plain = found.map((comment) => comment.replaceAll(/^[ \t]*(\/\*+|\*+\/|\/\/|\*)[ \t]?/gm, '').trim());
  return [...new Set(plain.filter((comment) => /copyright/i.test(comment)))];
}

/** Node itself, whose licence file also has those of all that is in it. */
export function nodePart({ version, folder }: NodeRuntime): ForeignPart {
  const text = readFileSync(join(folder, 'LICENSE'), 'utf8');
  return { source: 'usr/lib/cell/node', version, license: 'Node', homepage: 'https://nodejs.org', text };
}
