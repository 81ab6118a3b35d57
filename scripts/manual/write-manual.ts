import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allCommands } from '../../cli/src/commands/all-commands.ts';
import { COMPLETION_SCRIPTS } from '../../cli/src/commands/completion/completion-scripts.ts';
import { commandPages } from './command-pages.ts';
import { daemonPages } from './daemon-pages.ts';
import { filePages } from './file-pages.ts';
import type { ManualPage } from './manual-page.ts';
import type { Edition } from './roff.ts';

/** Where Debian's shells look for what programs bring along. */
const COMPLETION_FILES = {
  bash: 'usr/share/bash-completion/completions/cellctl',
  zsh: 'usr/share/zsh/vendor-completions/_cellctl',
  fish: 'usr/share/fish/vendor_completions.d/cellctl.fish',
} as const;

/** All man pages. */
export function manualPages(edition: Edition): ManualPage[] {
  return [...commandPages(allCommands, edition), ...filePages(edition), ...daemonPages(edition)];
}

/** Version of package.json, and a day: the same sources give the same pages. */
export function readEdition(dateS: number): Edition {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return { version, date: new Date(dateS * 1_000).toISOString().slice(0, 10) };
}

/** Writes pages and completions below the folder, where a machine has them. */
export function writeManual(folder: string, edition: Edition): void {
  const files = new Map(
    manualPages(edition).map(({ file, text }) => [`usr/share/man/man${file.at(-1)}/${file}`, text]),
  );
  for (const shell of ['bash', 'zsh', 'fish'] as const) files.set(COMPLETION_FILES[shell], COMPLETION_SCRIPTS[shell]);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
