import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';
import type { Release } from './release.ts';

/** Writes man pages and completions below a folder, where a machine has them: `node FILE --output FOLDER`. */
const GENERATOR = 'scripts/manual/main.ts';
const MAN_PAGES = 'usr/share/man';
const COMPLETIONS = [
  'usr/share/bash-completion/completions',
  'usr/share/zsh/vendor-completions',
  'usr/share/fish/vendor_completions.d',
];
const PAGE = /\.([1-8])$/;

/** Has the manual written, and says in debian/ which package gets what of it. */
export function stageManual(root: string, release: Release, folder: string): void {
  if (!existsSync(join(root, GENERATOR))) return;
  runCommand(process.execPath, [join(root, GENERATOR), '--output', folder], {
    cwd: root,
    environment: { ...process.env, SOURCE_DATE_EPOCH: String(release.timeS) },
  });
  for (const path of filesBelow(folder, MAN_PAGES)) {
    if (PAGE.test(path)) appendFileSync(join(folder, 'debian', `${packageOf(path)}.manpages`), `${path}\n`);
  }
  const completions = COMPLETIONS.flatMap((path) => filesBelow(folder, path));
  appendFileSync(join(folder, 'debian/cellctl.install'), completions.map((path) => `${path}\n`).join(''));
}

function filesBelow(folder: string, path: string): string[] {
  if (!existsSync(join(folder, path))) return [];
  const entries = readdirSync(join(folder, path), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(folder.length + 1)).toSorted();
}

/** Daemons' pages are named after them; all others are for people who drive the fleet. */
function packageOf(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  return ['cell-agent', 'cell-control-plane'].find((daemon) => name.startsWith(daemon)) ?? 'cellctl';
}
