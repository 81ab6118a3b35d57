import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const SOURCE = resolve(import.meta.dirname, 'private-file.ts');
/** Far more than it takes on any machine; what never ends is killed then. */
const WAIT_MS_MAX = 60_000;

test('writePrivateFile() ends where no folder can be made', { timeout: 2 * WAIT_MS_MAX }, (context) => {
  if (!existsSync('/proc/self')) context.skip('there is no /proc, where nothing can be made');
  const script =
    `import { writePrivateFile } from '${SOURCE}';\n` +
    `try { writePrivateFile('/proc/self/.config/cell/config.toml', ''); } catch (error) { console.log(String(error)); }`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  // A process of its own: what never ends could not be ended in this one.
  const { stdout } = spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: WAIT_MS_MAX });
  expect(stdout).toMatch(/Could not write "\/proc\/self\/\.config.*its folder is not there and can not be made/);
});
