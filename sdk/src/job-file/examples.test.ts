import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { renderJobFile } from '@cell/job';
import { afterAll, expect, test } from 'vitest';
import { parseJobFile } from './parse-job-file.ts';

const root = resolve(import.meta.dirname, '../../..');
const examples = join(root, 'examples');
const CONVERTER = 'flac';
const folder = mkdtempSync(join(tmpdir(), 'cell-examples-'));
const children: ChildProcess[] = [];

afterAll(async () => {
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

function specOf(file: string) {
  const parsing = parseJobFile(readFileSync(file, 'utf8'), file);
  if ('problems' in parsing) throw new Error(parsing.problems.map((problem) => problem.text).join('\n'));
  return parsing.spec;
}

test('every example is accepted, under the name of its file', () => {
  const files = readdirSync(examples).filter((name) => name.endsWith('.toml'));
  expect(files).toStrictEqual(['counter.toml', 'pi.toml', 'transcode.toml', 'uptime.toml', 'web.toml']);
  for (const file of files) expect(`${specOf(join(examples, file)).name}.toml`).toBe(file);
});

test('every example comes back when it is written with all its defaults and read again', () => {
  for (const name of ['counter', 'pi', 'transcode', 'uptime', 'web']) {
    const spec = specOf(join(examples, `${name}.toml`));
    const written = join(folder, `${name}-written.toml`);
    writeFileSync(written, renderJobFile(spec));
    expect(specOf(written)).toStrictEqual(spec);
  }
});

test('every example of docs/job-file.md is accepted', () => {
  const page = readFileSync(join(root, 'docs/job-file.md'), 'utf8');
  const blocks = [...page.matchAll(/```toml\n(.*?)```/gs)].map(([, text]) => text ?? '');
  expect(blocks.length).toBeGreaterThan(8);
  for (const block of blocks) {
    // Blocks that show one part of a file get the rest of it.
    const head = /^command = /m.test(block) && /^name = /m.test(block) ? '' : 'name = "example"\ncommand = ["x"]\n';
    const needsPort = /^\[health\]|CELL_PORT_HTTP/m.test(block) && !block.includes('[[ports]]');
    const text = `${head}${block}${needsPort ? '[[ports]]\nname = "http"\n' : ''}`;
    const parsing = parseJobFile(text, '/srv/jobs/example.toml');
    expect('problems' in parsing ? parsing.problems.map((problem) => problem.text) : []).toStrictEqual([]);
  }
});

test('the web example serves its files, and nothing outside of them', async () => {
  const site = join(folder, 'files');
  cpSync(join(examples, 'web/files'), site, { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(site, 'link.txt'));
  const port = await startServer(site);
  const answers = async (path: string, method?: string) => {
    const { status, body } = await ask(port, path, method);
    return `${status} ${body.slice(0, 15)}`;
  };
  expect(await answers('/')).toBe('200 <!doctype html>');
  expect(await ask(port, '/', 'HEAD')).toMatchObject({ status: 200, body: '', type: 'text/html; charset=utf-8' });
  expect(await answers('/style.css?x=1')).toMatch(/^200 body/);
  expect(await answers('/healthz')).toBe('200 ok\n');
  expect(await answers('/', 'POST')).toMatch(/^405/);
  expect(await answers('/nothing')).toMatch(/^404/);
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/link.txt', '/x/../../secret.txt']) {
    expect(await answers(path)).toMatch(/^404/);
  }
  for (const path of ['/%zz', '/%00', 'http://x/']) expect(await answers(path)).toMatch(/^400/);
});

test('the transcode example makes each instance its own file, whole and verified', (context) => {
  if (!hasFlac()) context.skip('needs the program flac, of the Debian package of that name');
  const job = join(folder, 'transcode.toml');
  cpSync(join(examples, 'transcode.toml'), job);
  cpSync(join(examples, 'transcode'), join(folder, 'transcode'), { recursive: true });
  const spec = specOf(job);
  for (let index = 0; index < spec.count; index++) {
    writeFileSync(join(spec.workingDirectory, `in/tone ${index}.wav`), wavTone(220 * (index + 1)));
  }
  const [program = '', ...args] = spec.command;
  for (let instance = 0; instance < spec.count; instance++) {
    const env = { PATH: process.env['PATH'], CELL_INSTANCE: String(instance), CELL_ALLOCATION: `ID${instance}` };
    const output = execFileSync(program, args, { cwd: spec.workingDirectory, env, encoding: 'utf8' });
    expect(output).toBe(`in/tone ${instance}.wav -> out/tone ${instance}.flac\n`);
  }
  const made = readdirSync(join(spec.workingDirectory, 'out'));
  expect(made).toStrictEqual([0, 1, 2, 3].map((index) => `tone ${index}.flac`));
  for (const name of made) {
    expect(
      readFileSync(join(spec.workingDirectory, 'out', name))
        .subarray(0, 4)
        .toString(),
    ).toBe('fLaC');
  }
});

test('the pi example comes near, with a number of its own for each instance', () => {
  const { count, command } = specOf(join(examples, 'pi.toml'));
  const [program = '', ...args] = command;
  const said = Array.from({ length: count }, (_, instance) => {
    const env = { PATH: process.env['PATH'], CELL_INSTANCE: String(instance) };
    return execFileSync(program, args, { cwd: folder, env, encoding: 'utf8' });
  });
  for (const line of said) expect(line).toMatch(/^pi is about 3\.1[34]\d\d\n$/);
  expect(new Set(said).size).toBeGreaterThan(1);
});

test('the counter example counts its starts in its state folder', async () => {
  const { command } = specOf(join(examples, 'counter.toml'));
  const [program = '', ...args] = command;
  const env = { PATH: process.env['PATH'], STATE_DIRECTORY: mkdtempSync(join(folder, 'state-')) };
  for (const start of [1, 2]) {
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe(`This is start ${start}\n`);
    child.kill('SIGKILL');
  }
});

function hasFlac(): boolean {
  try {
    execFileSync(CONVERTER, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts the example's server on a port that is free, and waits until it says that it serves. */
async function startServer(site: string): Promise<number> {
  const args = [join(examples, 'web/serve.mjs'), '--port', '0', '--directory', site];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const [, port] = /:(\d+)\n/.exec(said) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The server ended without serving: ${said}`);
}

/** With the path sent as it is: URLs would be tidied up. */
function ask(port: number, path: string, method = 'GET') {
  return new Promise<{ status: number; type: string | undefined; body: string }>((answered, failed) => {
    const sent = request({ port, path, method, host: '127.0.0.1', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        answered({ status: response.statusCode ?? 0, type: response.headers['content-type'], body });
      });
    });
    sent.on('error', failed).end();
  });
}

/** A tenth of a second of a tone: 16 bits, one channel, 44,100 samples a second. */
function wavTone(hertz: number): Buffer {
  const samples = 4410;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(44_100, 24);
  wav.writeUInt32LE(88_200, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index++) {
    wav.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hertz * index) / 44_100)), 44 + index * 2);
  }
  return wav;
}
