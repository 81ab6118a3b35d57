/** The program as a process: how it starts, fails to start, ends, is killed and comes back. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DesiredState, OnDisconnect, RestartMode } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeAuthority } from './identity/testing/fake-authority.ts';
import { JoinableMember } from './identity/testing/joinable-member.ts';
import { until } from './testing/until.ts';

const PROGRAM = join(import.meta.dirname, 'main.ts');
/** Its own in every run of the tests: killing all of an allocation finds it by this id on the whole machine. */
const ID = `a${process.pid}`;
const FLAGS = ['--disable-warning=ExperimentalWarning', PROGRAM];
let folder: string;
let member: JoinableMember;
let transcript: string[];
let agents: Started[];

interface Started {
  readonly child: ChildProcess;
  readonly output: { text: string };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-agent-'));
  transcript = [];
  agents = [];
  member = new JoinableMember('member', transcript, new FakeAuthority());
  await member.listen();
  await writeFile(join(folder, 'token'), member.token, { mode: 0o600 });
});
afterEach(async () => {
  member.close();
  for (const { child } of agents) await end(child, 'SIGKILL');
  // Workloads outlive their agent: end them the way an agent does.
  const { openProcessRuntime } = await import('./runtime/process/process-runtime.ts');
  const { realClock } = await import('./real-clock.ts');
  const runtime = await openProcessRuntime({ folder: join(folder, 'data', 'allocations'), clock: realClock });
  for (const id of runtime.known()) await runtime.remove(id);
  await runtime.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function start(change = '', environment: NodeJS.ProcessEnv = {}, data = `${folder}/data`): Promise<Started> {
  const file = join(folder, 'agent.toml');
  const listen = change.includes('http') ? '' : 'listen.http = "127.0.0.1:0"\n';
  const where = `data = "${data}"\ncontrol_plane = ["${member.address}"]\njoin_token_file = "${folder}/token"\n`;
  await writeFile(file, `name = "node-1"\nruntime = "process"\n${where}${listen}${change}`);
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [...FLAGS, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const started = { child, output: { text: '' } };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (started.output.text += `${data}`));
  agents.push(started);
  return started;
}

/** All that it wrote is read by then. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, 'close');
  }
  return child.exitCode;
}

function push(generation: number, spec: { readonly command: string[]; readonly onDisconnect?: OnDisconnect }): void {
  const restart = { mode: RestartMode.ALWAYS, attempts: 3, windowMs: 60_000, delayMs: 10, delayMaxMs: 10 };
  const whole = { ...spec, name: 'web', restart, stop: { signal: 'SIGTERM', timeoutMs: 1_000 } };
  const allocation = { id: ID, jobVersion: 1n, desired: DesiredState.RUN, spec: whole };
  member.say({ case: 'desired', value: { generation: BigInt(generation), complete: true, set: [allocation] } });
}

const said = (line: string): Promise<true> => until(() => transcript.includes(line) || undefined);
const connected = (count = 1): Promise<true> =>
  until(() => transcript.filter((line) => line === 'member: heartbeat 1').length === count || undefined);

function httpAddress({ output }: Started): string {
  return /"http":"([^"]+)"/.exec(output.text)![1]!;
}

test('an agent that is killed comes back to what it runs, and starts nothing again', async () => {
  await start();
  await connected();
  push(3, { command: ['sh', '-c', 'echo $$ >>starts; exec sleep 1000'] });
  await said(`member: report ${ID}=4`);
  await end(agents[0]!.child, 'SIGKILL');
  await start();
  await connected(2);
  expect(transcript.filter((line) => line.includes('hello')).at(-1)).toBe(
    `member: hello of node-1 generation=3 cluster="c1" [${ID}=4]`,
  );
  const starts = spawnSync('cat', [join(folder, 'data', 'allocations', ID, 'work', 'starts')]).stdout.toString();
  expect(starts.trim().split('\n').length).toBe(1);
});

test('a workload that stops on a lost lease is stopped while no member answers, also by an agent that just came back', async () => {
  member.leaseMs = 3_000;
  member.heartbeatMs = 200;
  await start();
  await connected();
  push(3, { command: ['sleep', '1000'], onDisconnect: OnDisconnect.STOP });
  await said(`member: report ${ID}=4`);
  member.close();
  await end(agents[0]!.child, 'SIGKILL');
  const again = await start();
  await until(() => again.output.text.includes('Stopped: the node has no lease') || undefined);
});

test('SIGTERM ends the agent in order, and its workloads run on', async () => {
  await start();
  await connected();
  push(3, { command: ['sh', '-c', 'echo $$ >pid; exec sleep 1000'] });
  await said(`member: report ${ID}=4`);
  // Had it not ended by itself in its own time, it would say so by another code.
  expect(await end(agents[0]!.child, 'SIGTERM')).toBe(0);
  const pid = spawnSync('cat', [join(folder, 'data', 'allocations', ID, 'work', 'pid')])
    .stdout.toString()
    .trim();
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  expect((await readdir(join(folder, 'data'))).includes('lock')).toBe(false);
});

test('of what is large in Node, nothing is loaded that an agent can do without', async () => {
  const telling = "process.on('exit', () => console.log(process.moduleLoadList.join(';')))";
  const environment = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(telling)}`,
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
  };
  const first = await start('', environment);
  await connected();
  // In order it would keep at its end what it compiled late; its end is often sudden, and so is this one.
  await end(first.child, 'SIGKILL');
  const again = await start('', environment);
  await connected(2);
  await fetch(`http://${httpAddress(again)}/metrics`);
  await end(again.child, 'SIGTERM');
  const loaded = again.output.text.split(';');
  expect(loaded).toContain('NativeModule http2');
  // The type stripper, and a web client: 16 and 15 MB.
  expect(loaded.filter((name) => /deps\/(amaro|undici)/.test(name))).toEqual([]);
});

test('/livez, /readyz and /metrics say how it is, and other requests are refused', async () => {
  member.welcomes = false;
  const agent = await start();
  const base = `http://${await until(() => (agent.output.text.includes('"http"') ? httpAddress(agent) : undefined))}`;
  const get = async (path: string, init?: RequestInit): Promise<string> => {
    const response = await fetch(`${base}${path}`, init);
    return `${response.status} ${await response.text()}`;
  };
  expect(await get('/livez')).toBe('200 ok\n');
  expect(await get('/readyz')).toMatch(/^503 The agent has no session with the control plane/);
  expect(await get('/x')).toMatch(/^404 /);
  expect(await get('/metrics', { method: 'POST' })).toMatch(/^405 /);
  member.welcomes = true;
  await said('member: hello of node-1 generation=0 cluster="" []');
  member.say({ case: 'welcome', value: { clusterId: 'c1', heartbeatIntervalMs: 1_000, leaseMs: 10_000 } });
  await connected();
  expect(await get('/readyz')).toBe('200 ok\n');
  const metrics = (await get('/metrics')).slice(4);
  expect(metrics).toMatch(/^cell_agent_connected 1$/m);
  expect(metrics).toMatch(/^cell_agent_sessions_total 1$/m);
  expect(metrics).toMatch(/^cell_agent_allocations\{state="healthy"\} 0$/m);
  expect(metrics).toMatch(/^cell_node_memory_available_bytes \d{7,}$/m);
});

test('its metrics are as promtool wants them', async (context) => {
  const tools = process.env['CELL_TEST_PROMETHEUS_DIR'];
  if (tools === undefined) return context.skip('There is no promtool');
  const agent = await start();
  await connected();
  const address = await until(() => (agent.output.text.includes('"http"') ? httpAddress(agent) : undefined));
  const input = await (await fetch(`http://${address}/metrics`)).text();
  const verdict = spawnSync(join(tools, 'promtool'), ['check', 'metrics'], { input, encoding: 'utf8' });
  expect(`${verdict.stdout}${verdict.stderr}`).toBe('');
});

async function failure(started: Started): Promise<string> {
  const [code] = await once(started.child, 'close');
  return `${code} ${started.output.text}`;
}

test('a second agent on the same data is refused', async () => {
  await start();
  await connected();
  const text = await failure(await start());
  expect(text).toMatch(
    /^1 CELL_E_DATA_IN_USE: Could not use the data folder ".*": another agent \(process \d+\) uses it.*\n$/,
  );
});

test('a data folder where nothing can be made is refused', async () => {
  const text = await failure(await start('', {}, '/proc/cell/data'));
  expect(text).toMatch(/^1 CELL_E_DATA_UNUSABLE: Could not use the data folder "\/proc\/cell\/data": ENOENT.*\n$/);
});

test('an address that is in use is refused', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const text = await failure(await start(`listen.http = "127.0.0.1:${port}"`));
  server.close();
  expect(text).toBe(
    `1 CELL_E_ADDRESS_IN_USE: Could not listen on "127.0.0.1:${port}": the address is in use; ` +
      'end what uses it, or set another "listen.http"\n',
  );
});

test('a damaged file is refused and named', async () => {
  await start();
  await connected();
  await end(agents[0]!.child, 'SIGTERM');
  await truncate(join(folder, 'data', 'state', 'node.json'), 50);
  const text = await failure(await start());
  expect(text).toMatch(
    /^1 CELL_E_STATE_DAMAGED: Could not use the file ".*node\.json": it is cut off or was changed; .*\n$/,
  );
});

test('a machine without a token stays up, says what it lacks, and joins once the token is there', async () => {
  await rm(join(folder, 'token'));
  const agent = await start();
  const base = `http://${await until(() => (agent.output.text.includes('"http"') ? httpAddress(agent) : undefined))}`;
  const readyz = async (): Promise<string> => (await fetch(`${base}/readyz`)).text();
  await until(async () => (await readyz()).includes('its token is not there') || undefined);
  expect(await readyz()).toContain('make one with "cellctl token create --role agent", and put it there');
  await writeFile(join(folder, 'token'), member.token, { mode: 0o600 });
  await connected();
  const metrics = await (await fetch(`${base}/metrics`)).text();
  expect(metrics).toMatch(/^cell_agent_joins_total\{outcome="ok"\} 1$/m);
  expect(metrics).toMatch(/^cell_agent_renewals_total\{outcome="failed"\} 0$/m);
  const expires = Number(/^cell_agent_certificate_expires_seconds (\d+)$/m.exec(metrics)?.[1]);
  expect(Math.abs(expires - Date.now() / 1_000 - 86_400)).toBeLessThan(60);
});

test('an identity of another node is refused', async () => {
  await start();
  await connected();
  await end(agents[0]!.child, 'SIGTERM');
  await rm(join(folder, 'data', 'state', 'node.json'));
  const text = await failure(await start());
  expect(text).toMatch(
    /^1 CELL_E_STATE_DAMAGED: Could not use the file ".*identity\.json": its certificate is for node ".*", and the data folder is that of node ".*\n$/,
  );
});

test('a token in a configuration that everybody can read is warned of, and not shown', async () => {
  await rm(join(folder, 'token'));
  const agent = await start();
  await end(agent.child, 'SIGTERM');
  const file = join(folder, 'agent.toml');
  const text = (await readFile(file, 'utf8')).replace(/^join_token_file.*$/m, `join_token = "${member.token}"`);
  await writeFile(file, text, { mode: 0o644 });
  const child = spawn(process.execPath, [...FLAGS, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const again = { child, output: { text: '' } };
  child.stdout.on('data', (data) => (again.output.text += `${data}`));
  agents.push(again);
  await connected();
  expect(again.output.text).toContain('Every user of this machine can read the token in');
  expect(again.output.text).not.toContain(member.token.slice(9, 50));
});

test('--version, --help and a wrong flag', () => {
  const run = (...flags: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...FLAGS, ...flags], { encoding: 'utf8' });
    return `${status} ${stdout}${stderr}`;
  };
  expect(run('--version')).toMatch(/^0 cell-agent \d+\.\d+\.\d+\n$/);
  expect(run('--help')).toContain('Example:\n  cell-agent --config');
  expect(run('--colour')).toMatch(/^1 CELL_E_CONFIG: Unknown option '--colour'.*see "cell-agent --help"\n$/);
});
