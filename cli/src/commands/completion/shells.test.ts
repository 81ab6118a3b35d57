/** The completions in real shells: keys go in on a terminal, and what the shell makes of them is run. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';

const CELLCTL = resolve(import.meta.dirname, '../../../../bin/cellctl');
const PROMPT = 'READY> ';

interface Shell {
  readonly name: keyof typeof COMPLETION_SCRIPTS;
  /** Where packages put the script, below a folder that the shell is told of. */
  readonly file: string;
  readonly words: readonly string[];
  /** Typed first; the prompt says that it is done. */
  readonly setup: string;
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    file: 'bash-completion/completions/cellctl',
    words: ['--norc', '--noprofile', '-i'],
    setup: `source bash-completion/completions/cellctl; bind 'set bell-style none'; PS1='READY''> '`,
  },
  {
    name: 'zsh',
    file: 'zsh/vendor-completions/_cellctl',
    words: ['-f', '-i'],
    setup: `fpath=($PWD/zsh/vendor-completions $fpath); autoload -Uz compinit; compinit -u -D; PS1='READY''> '`,
  },
  {
    name: 'fish',
    file: 'fish/vendor_completions.d/cellctl.fish',
    words: ['-i'],
    setup: `function fish_prompt; echo -n 'READY''> '; end`,
  },
];

let folder: string;
let calls: string;
let terminal: ChildProcess | undefined;
let screen: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-shells-'));
  calls = join(folder, 'calls');
  terminal = undefined;
  screen = '';
});
afterEach(async () => {
  if (terminal !== undefined && terminal.exitCode === null && terminal.signalCode === null) {
    terminal.kill('SIGKILL');
    await once(terminal, 'exit');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Asked for words it is the real one, but for names, which only a fleet knows; else it notes what it was called with. */
function plantCellctl(): void {
  const script = `#!/bin/sh
case "$*" in
__complete*"job show w"*) echo web ;;
__complete*) exec ${CELLCTL} "$@" ;;
*) printf '%s|' "$@" >>${calls}; echo >>${calls} ;;
esac
`;
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/cellctl'), script);
  chmodSync(join(folder, 'bin/cellctl'), 0o755);
}

async function open(shell: Shell): Promise<void> {
  plantCellctl();
  mkdirSync(dirname(join(folder, shell.file)), { recursive: true });
  writeFileSync(join(folder, shell.file), COMPLETION_SCRIPTS[shell.name]);
  writeFileSync(join(folder, 'web job.toml'), '');
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    HOME: folder,
    CELL_ADDR: '127.0.0.1:1',
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
    XDG_DATA_DIRS: `${folder}:/usr/share`,
  };
  const command = [shell.name, ...shell.words].join(' ');
  terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  for (const stream of [terminal.stdout!, terminal.stderr!]) stream.on('data', (data) => (screen += data));
  type(`${shell.setup}\r`);
  await expect.poll(() => screen).toContain(PROMPT);
}

function type(keys: string): void {
  terminal!.stdin!.write(keys);
}

const called = (): string => {
  try {
    return readFileSync(calls, 'utf8');
  } catch {
    return '';
  }
};

test.for(SHELLS)('$name completes commands, choices, names and files', async (shell, context) => {
  for (const program of [shell.name, 'script']) {
    if (spawnSync(program, ['--version']).status !== 0) context.skip(`There is no ${program}`);
  }
  await open(shell);
  let wanted = '';
  const expectCall = async (keys: string, ...words: readonly string[]): Promise<void> => {
    type(`${keys}\r`);
    wanted += `${words.join('|')}|\n`;
    await expect.poll(called, { message: screen }).toBe(wanted);
  };
  await expectCall('cellctl nod\tli\t', 'node', 'list');
  await expectCall('cellctl job run --det\t', 'job', 'run', '--detach');
  await expectCall('cellctl node list --output ya\t', 'node', 'list', '--output', 'yaml');
  await expectCall('cellctl job show w\t', 'job', 'show', 'web');
  await expectCall('cellctl job run we\t', 'job', 'run', 'web job.toml');
  await expectCall('cellctl job run web\\ j\t', 'job', 'run', 'web job.toml');
  // Where nothing fits, nothing is added: no space either.
  await expectCall('cellctl job show zz\tq', 'job', 'show', 'zzq');
});
