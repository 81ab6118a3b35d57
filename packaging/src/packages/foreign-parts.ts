import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';
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

/** What a bundle has of an npm package, from the package's folder. One that does not say its licence is refused. */
export function npmPart(folder: string): ForeignPart {
  const { name, version, license, homepage } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Manifest;
  if (license === undefined) throw new PackagingError(`Cannot ship "${name}", which does not say its licence`);
  const files = readdirSync(folder);
  const texts = [...files.filter((file) => LICENSE_FILE.test(file)), ...files.filter((file) => NOTICE_FILE.test(file))];
  const text = texts.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  return { name, version, license, text: text || license, ...(homepage === undefined ? {} : { homepage }) };
}

/** Node itself, whose licence file also has those of all that is in it. */
export function nodePart({ version, folder }: NodeRuntime): ForeignPart {
  const text = readFileSync(join(folder, 'LICENSE'), 'utf8');
  return { name: 'usr/lib/cell/node', version, license: 'Node', homepage: 'https://nodejs.org', text };
}
