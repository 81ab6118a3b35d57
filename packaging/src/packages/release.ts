import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';
import { runCommand } from '../run-command.ts';

const MAINTAINER = 'The Cell maintainers <maintainers@cell.invalid>';
/** What Debian allows, as far as it is also a version for npm. A hyphen would start the revision of a package. */
const VERSION = /^\d+\.\d+\.\d+([+~.][a-z0-9+~.]+)?$/;

/** What all packages of a build have in common. */
export interface Release {
  readonly version: string;
  /** When the sources were made: no file in a package is newer, so that building again gives the same bytes. */
  readonly timeS: number;
}

/** The release that the sources are: the version of package.json unless one is given, the time of the last commit. */
export function readRelease(root: string, givenVersion?: string): Release {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const version = givenVersion ?? manifest.version;
  if (!VERSION.test(version))
    throw new PackagingError(`Cannot name packages by version "${version}"; use e.g. "1.2.3"`);
  return { version, timeS: readTimeS(root) };
}

function readTimeS(root: string): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? runCommand('git', ['log', '-1', '--format=%ct'], { cwd: root });
  const timeS = Number(text);
  if (!Number.isSafeInteger(timeS) || text.trim() === '') {
    throw new PackagingError(`Cannot read SOURCE_DATE_EPOCH "${text.trim()}"; give seconds since 1970`);
  }
  return timeS;
}

/** The file "changelog" of the packages; Debian's tools read version and time from it. */
export function changelogFile({ version, timeS }: Release): string {
  const date = new Date(timeS * 1000).toUTCString().replace('GMT', '+0000');
  return `cell (${version}) stable; urgency=medium\n\n  * Release ${version}.\n\n -- ${MAINTAINER}  ${date}\n`;
}
