/** Commands in instances through the real program, at a real terminal and with real pipes. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type FakeControlPlane, makeFakeCluster, startFakeControlPlane } from '@cell/sdk/testing';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { command, type ExecCall, exit } from './testing/fake-exec.ts';

const MAIN = resolve(import.meta.dirname, 'main.ts');
const CELLCTL = `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN}`;
/** A program that fails where nobody expects it, when it is told to. */
const FAILING = encodeURIComponent('process.on("SIGUSR2", () => { throw new Error("boom") })');

const cluster = makeFakeCluster();

/** A shell at a terminal of its own, made by script(1). */
class ShellAtTerminal {
  output = '';
  readonly #child: ChildProcess;

  constructor(env: Record<string, string>) {
    this.#child = spawn('script', ['-qfe', '-c', 'sh', '/dev/null'], {
      env: { ...process.env, PS1: '', TERM: 'xterm-test', CELL_TOKEN: cluster.token, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout!.on('data', (data: Buffer) => {
      this.output += data.toString();
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Waits until it has shown something, and gives what the first group of it is. */
  async shown(what: RegExp): Promise<string> {
    await expect.poll(() => this.output, { timeout: 30_000 }).toMatch(what);
    return what.exec(this.output)?.[1] ?? '';
  }
}

function modesOf(terminal: string): string {
  return execFileSync('stty', ['-F', terminal, '-a']).toString().replace(/^.*;$/m, '');
}

async function fakeMember(onInput?: (call: ExecCall, said: string) => void) {
  const { said, handlers } = command(onInput);
  const controlPlane: FakeControlPlane = await startFakeControlPlane(handlers, cluster.security);
  onTestFinished(() => controlPlane.end());
  return { said, controlPlane };
}

/** A person who has begun a command at a terminal of 100 by 40 characters; its keys go to the command. */
async function begun(context: TestContext, member: Awaited<ReturnType<typeof fakeMember>>) {
  if (spawnSync('script', ['--version']).status !== 0) return context.skip('no script(1) to make a terminal with');
  const shell = new ShellAtTerminal({
    CELL_ADDR: member.controlPlane.address,
    FAILING: `--import=data:text/javascript,${FAILING}`,
  });
  shell.type('stty cols 100 rows 40; echo "at" $(tty) "end"\n');
  const terminal = await shell.shown(/at (\/dev\/\S+) end/);
  const before = modesOf(terminal);
  shell.type(`sh -c 'echo "pid" $$ "end"; exec env NODE_OPTIONS="$FAILING" ${CELLCTL} allocation exec A sh'`);
  shell.type('; echo "code" $? "end"\n');
  const pid = Number(await shell.shown(/pid (\d+) end/));
  await expect.poll(() => modesOf(terminal), { timeout: 30_000 }).toContain('-icanon');
  return { shell, terminal, before, pid };
}

function typed(said: readonly string[]): string {
  return said.flatMap((text) => (text.startsWith('data ') ? [text.slice(5)] : [])).join('');
}

test('all keys go to the command, sizes too, and the terminal is as before in the end', async (context) => {
  let running: ExecCall | undefined;
  const member = await fakeMember((call) => {
    running = call;
  });
  const { shell, terminal, before } = await begun(context, member);
  expect(member.said[0]).toBe('A: sh (xterm-test 100x40)');
  shell.type('a\u0003\u001a\u0004\rb');
  await expect.poll(() => typed(member.said)).toBe('a\u0003\u001a\u0004\rb');
  execFileSync('stty', ['-F', terminal, 'cols', '120', 'rows', '50']);
  await expect.poll(() => member.said.at(-1)).toBe('resize 120x50');
  exit(running!, 9);
  expect(await shell.shown(/code (\d+) end/)).toBe('9');
  expect(modesOf(terminal)).toBe(before);
});

test.for<[string, string, (member: Awaited<ReturnType<typeof fakeMember>>, pid: number) => void]>([
  ['SIGTERM', '143', (_member, pid) => process.kill(pid, 'SIGTERM')],
  ['SIGHUP', '129', (_member, pid) => process.kill(pid, 'SIGHUP')],
  ['a crash of its own', '1', (_member, pid) => process.kill(pid, 'SIGUSR2')],
  ['the loss of its member', '255', ({ controlPlane }) => controlPlane.crash()],
])('after %s the terminal is as before', async ([, code, strike], context) => {
  const member = await fakeMember(() => {});
  const { shell, terminal, before, pid } = await begun(context, member);
  strike(member, pid);
  expect(await shell.shown(/code (\d+) end/)).toBe(code);
  expect(modesOf(terminal)).toBe(before);
  await expect.poll(() => member.said).toContain('cancelled');
});

test('a file goes through a command and back, byte for byte', async () => {
  const { controlPlane } = await fakeMember();
  const bytes = Buffer.alloc(3 * 1024 * 1024, 'all of this\n');
  const env = { ...process.env, CELL_ADDR: controlPlane.address, CELL_TOKEN: cluster.token };
  const child = spawn('sh', ['-c', `${CELLCTL} allocation exec A -- cat`], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const written: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => written.push(data));
  child.stdin.end(bytes);
  expect(await once(child, 'close')).toEqual([7, null]);
  expect(Buffer.concat(written).equals(bytes)).toBe(true);
});

test('Ctrl-C without a terminal ends the command and cellctl', async () => {
  const { said, controlPlane } = await fakeMember(() => {});
  const env = { ...process.env, CELL_ADDR: controlPlane.address, CELL_TOKEN: cluster.token };
  const words = ['--disable-warning=ExperimentalWarning', MAIN, 'allocation', 'exec', 'A', 'sleep'];
  const child = spawn(process.execPath, words, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  await expect.poll(() => said, { timeout: 30_000 }).toHaveLength(1);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([130, null]);
  await expect.poll(() => said).toContain('cancelled');
});

test.for([
  ['a token', 'TOKEN\r', '0'],
  ['a token with what was typed wrongly first', 'wrong\u0015TOKENx\u007f\r', '0'],
  ['Ctrl-C', 'TOK\u0003', '130'],
  ['the end of input', '\u0004', '1'],
] as const)('asked for a token, %s is not shown, and the terminal is as before', async ([, keys, code], context) => {
  if (spawnSync('script', ['--version']).status !== 0) return context.skip('no script(1) to make a terminal with');
  const caller = { token: { id: cluster.tokenId, name: 'alice' }, cluster: 'demo' };
  const controlPlane = await startFakeControlPlane({ getCaller: () => caller }, cluster.security);
  onTestFinished(() => controlPlane.end());
  const home = mkdtempSync(join(tmpdir(), 'cellctl-home-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const shell = new ShellAtTerminal({ CELL_ADDR: controlPlane.address, CELL_TOKEN: '', XDG_CONFIG_HOME: home });
  shell.type('echo "at" $(tty) "end"\n');
  const terminal = await shell.shown(/at (\/dev\/\S+) end/);
  const before = modesOf(terminal);
  shell.type(`${CELLCTL} login; echo "code" $? "end"\n`);
  await shell.shown(/it is not shown\): /);
  shell.type(keys.replace('TOKEN', cluster.token));
  expect(await shell.shown(/code (\d+) end/)).toBe(code);
  expect(modesOf(terminal)).toBe(before);
  expect(shell.output).not.toContain(cluster.token.split('_')[2]);
  if (code === '0') expect(shell.output).toContain('You are token "alice" of cluster "demo"');
});
