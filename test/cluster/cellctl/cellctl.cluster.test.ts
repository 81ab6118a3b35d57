import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cellctl } from '../harness/cellctl.ts';
import { type Fleet, startFleet } from '../harness/fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

let fleet: Fleet;
let witness: Witness;
let cellctl: Cellctl;

beforeAll(async () => {
  fleet = await startFleet({ members: 3, agents: 3 });
  witness = new Witness(fleet.folder);
  cellctl = fleet.cellctl();
});
afterAll(() => fleet?.stop());

function jobFile(name: string, toml: string): string {
  const file = join(fleet.folder, `${name}.toml`);
  writeFileSync(file, toml);
  return file;
}

/** What it shows to programs. */
async function json<T>(...words: string[]): Promise<T> {
  const { exitCode, output, errors } = await cellctl.run(...words, '-o', 'json');
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  return JSON.parse(output) as T;
}

interface ShownAllocation {
  readonly id: string;
  readonly state: string;
  readonly nodeName: string;
}

/** What `cellctl allocation list` shows of a job. */
async function shownAllocations(job: string): Promise<readonly ShownAllocation[]> {
  const { allocations } = await json<{ allocations: ShownAllocation[] }>('allocation', 'list', '--job', job);
  return allocations;
}

test('a job is planned, run, shown in all ways, given back as a file, and stopped', async () => {
  const file = jobFile('web', witness.job('web'));
  const planned = await cellctl.run('job', 'plan', file);
  expect(planned).toMatchObject({ exitCode: 1, errors: '', output: expect.stringContaining('place') });
  const ran = await cellctl.run('job', 'run', '--yes', file);
  expect(ran).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^Job "web" version 1: .*3/) });
  expect(witness.living('web')).toHaveLength(3);
  expect(await cellctl.run('job', 'plan', file)).toMatchObject({ exitCode: 0 });

  expect(await cellctl.run('job', 'list')).toMatchObject({
    exitCode: 0,
    output: expect.stringMatching(/web +service/),
  });
  expect(await cellctl.run('job', 'show', 'web')).toMatchObject({ exitCode: 0, errors: '' });
  expect(await json('job', 'show', 'web')).toMatchObject({ job: { spec: { name: 'web' }, status: 'running' } });
  const given = await cellctl.run('job', 'show', 'web', '--file');
  expect(given.exitCode).toBe(0);
  expect(await cellctl.runWith(given.output, 'job', 'plan', '-')).toMatchObject({ exitCode: 0 });

  const allocations = await shownAllocations('web');
  expect(allocations.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
  const { id, nodeName } = allocations[0]!;
  const shown = await cellctl.run('allocation', 'show', id);
  expect(shown).toMatchObject({ exitCode: 0, output: expect.stringContaining(nodeName) });

  expect(await cellctl.run('node', 'list')).toMatchObject({ exitCode: 0, output: expect.stringContaining('node-3') });
  expect(await cellctl.run('node', 'show', nodeName)).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining(id.slice(0, 10)),
  });

  const stopped = await cellctl.run('job', 'stop', 'web', '--yes');
  expect(stopped).toMatchObject({ exitCode: 0 });
  await waitFor(() => witness.living('web').length === 0, { what: 'the job to stop' });
  expect((await cellctl.run('job', 'list')).output).not.toContain('web ');
  expect((await cellctl.run('job', 'list', '--all')).output).toContain('web ');
});

test('the state of fleet and control plane is shown for people and programs, from any member', async () => {
  const status = await cellctl.run('fleet', 'status', '--exit-code');
  expect(status).toMatchObject({ exitCode: 0, errors: '', output: expect.stringContaining('leader') });
  for (const member of fleet.members) {
    // On a busy machine there may be an election just now, or a member that answers late.
    await waitFor(
      async () => {
        const one = await fleet.cellctl(member).run('control-plane', 'status', '-o', 'json');
        const { members } = JSON.parse(one.output) as { members: { role: string }[] };
        const roles = members.map(({ role }) => role).sort();
        return roles.join() === 'follower,follower,leader';
      },
      { what: `${member.name} to see one leader and two followers` },
    );
  }
  expect(await cellctl.run('control-plane', 'status')).toMatchObject({ exitCode: 0, errors: '' });
  expect((await cellctl.run('fleet', 'status', '-o', 'yaml')).output).toContain('nodesReady: 3');
  const events = await cellctl.run('events');
  expect(events.exitCode).toBe(0);
  expect(events.output).toMatch(/NodeRegistered +node\/node-1: /);
  expect(await cellctl.run('completion', 'bash')).toMatchObject({ exitCode: 0, errors: '' });
  expect((await cellctl.run('version')).output).toMatch(/\d+\.\d+\.\d+/);
  expect((await cellctl.run('help')).output).toContain('failover test');
});

test.each([
  ['fleet status', /nodesReady/],
  ['node list', /nodes/],
  ['node show node-1', /node allocations/],
  ['job list', /jobs/],
  ['allocation list', /allocations/],
  ['control-plane status', /members/],
])('%s is a table for people and JSON for programs', async (words, key) => {
  expect(await cellctl.run(...words.split(' '))).toMatchObject({ exitCode: 0, errors: '' });
  expect(Object.keys(await json(...words.split(' '))).join(' ')).toMatch(key);
});

test('a batch job is waited for; its output comes byte for byte', async () => {
  const toml = 'name = "count"\ntype = "batch"\ncommand = ["sh", "-c", "printf \'a\\\\nb\'; echo oops >&2"]\n';
  expect(await cellctl.run('job', 'run', '--yes', jobFile('count', toml))).toMatchObject({ exitCode: 0 });
  const { allocations } = await json<{ allocations: ShownAllocation[] }>(
    'allocation',
    'list',
    '--job',
    'count',
    '--all',
  );
  const { id } = allocations[0]!;
  expect(await cellctl.run('allocation', 'logs', id, '--stream', 'stdout')).toMatchObject({
    exitCode: 0,
    output: 'a\nb',
  });
  expect(await cellctl.run('allocation', 'logs', id, '--stream', 'stderr')).toMatchObject({ output: 'oops\n' });
  expect(await cellctl.run('allocation', 'logs', id, '-f')).toMatchObject({ exitCode: 0 });
});

test('what finds no node ends with 2 and the reason; what fails ends with 1, its code and its reason', async () => {
  const huge = `name = "huge"\ncommand = ["sleep", "infinity"]\n[resources]\nmemory = "16000GiB"\n`;
  const unplaced = await cellctl.run('job', 'run', '--yes', jobFile('huge', huge));
  expect(unplaced).toMatchObject({ exitCode: 2, output: expect.stringMatching(/memory: .* asked/) });
  const sick = await cellctl.run('fleet', 'status', '--exit-code');
  expect(sick).toMatchObject({ exitCode: 1, output: expect.stringContaining('huge') });
  await cellctl.run('job', 'stop', 'huge', '--yes');
  const limited = `name = "limited"\ncommand = ["sleep", "infinity"]\nsandbox = "strict"\n[limits]\nmemory_max = "1GiB"\n`;
  for (const [exitCode, ...words] of [[1, 'plan'] as const, [2, 'run', '--yes'] as const]) {
    const refused = await cellctl.run('job', ...words, jobFile('limited', limited));
    expect(refused).toMatchObject({
      exitCode,
      output: expect.stringContaining("limits.memory_max: the node can't"),
    });
    expect(refused.output).toContain("sandbox: the node can't shut workloads off strictly");
    expect(refused.output).toContain('sandbox and limits.memory_max out');
  }
  await cellctl.run('job', 'stop', 'limited', '--yes');
  const broken = 'name = "broken"\ntype = "batch"\ncommand = ["sh", "-c", "exit 9"]\n[restart]\nmode = "never"\n';
  const failed = await cellctl.run('job', 'run', '--yes', jobFile('broken', broken));
  expect(failed.exitCode).toBe(1);
  expect(failed.errors).toMatch(/CELL_E_JOB_FAILED: Job "broken" version 1: .*Ended with exit code 9/);
  await cellctl.run('job', 'stop', 'broken', '--yes');
});

test('a wrong job file is refused with every problem and its line, and changes nothing', async () => {
  const toml = `name = "Web"
count = 0
comand = ["sleep"]

[resources]
memory = "12 potatoes"
`;
  const file = jobFile('wrong', toml);
  const before = await json<{ jobs: unknown[]; index: string }>('job', 'list', '--all');
  for (const verb of ['plan', 'run']) {
    const { exitCode, output, errors } = await cellctl.run('job', verb, file);
    expect({ exitCode, output }).toEqual({ exitCode: verb === 'plan' ? 255 : 1, output: '' });
    expect(errors).toMatch(/^CELL_E_JOB_FILE: /);
    expect(errors.match(/wrong\.toml:\d+/g)).toEqual(
      expect.arrayContaining(['wrong.toml:1', 'wrong.toml:2', 'wrong.toml:3', 'wrong.toml:6']),
    );
    for (const said of ['"Web"', 'count', 'did you mean "command"', '"12 potatoes"']) expect(errors).toContain(said);
  }
  expect((await json<{ jobs: unknown[] }>('job', 'list', '--all')).jobs).toEqual(before.jobs);
});

test.each([
  [['fleet', 'stat'], /^CELL_E_USAGE: .*"cellctl fleet stat"; did you mean "status"/],
  [['frobnicate'], /^CELL_E_USAGE: .*"cellctl frobnicate"/],
  [['job', 'list', '--colour'], /^CELL_E_USAGE: .*"--colour"/],
  [['job', 'show', 'nonesuch'], /^CELL_E_NOT_FOUND: .*"nonesuch"/],
  [['allocation', 'logs', '01ZZZZZZZZ'], /^CELL_E_NOT_FOUND: .*"01ZZZZZZZZ"/],
  [['job', 'run', '/nowhere/web.toml'], /^CELL_E_FILE: .*"\/nowhere\/web\.toml"/],
  [['node', 'list', '--address', '127.0.0.1:1'], /^CELL_E_UNREACHABLE: .*127\.0\.0\.1:1/],
])('%j is refused with one clear sentence', async (words, errors) => {
  const end = await cellctl.run(...words);
  expect(end).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(errors) });
  expect(end.errors.trim().split('\n')).toHaveLength(1);
});

test('Ctrl-C ends the waiting and not the job, and ends following output', async () => {
  const health = '\n[health]\ntype = "exec"\ncommand = ["false"]\ninterval = "1s"\ngrace = "5m"\n';
  const file = jobFile('slow', witness.job('slow', { settings: 'count = 1', tables: health }));
  const waiting = cellctl.start('job', 'run', '--yes', file);
  await waitFor(() => witness.living('slow').length === 1, { what: 'the job to be started', timeoutMs: 30_000 });
  waiting.kill('SIGINT');
  const end = await waiting.ended(10_000);
  expect(end).toMatchObject({ exitCode: 130, output: '' });
  expect(end.errors).toContain('job "slow" goes on');
  expect(witness.living('slow')).toHaveLength(1);

  const talker = 'name = "talker"\ncommand = ["sh", "-c", "while :; do echo tick; sleep 0.1; done"]\n';
  await cellctl.run('job', 'run', '--yes', jobFile('talker', talker));
  const [{ id } = { id: '' }] = await shownAllocations('talker');
  const following = cellctl.start('allocation', 'logs', '-f', id);
  await following.said(/(tick\n){3}/);
  following.kill('SIGINT');
  expect(await following.ended(10_000)).toMatchObject({ exitCode: 130, errors: '' });
  const events = cellctl.start('events', '-f');
  await events.said(/JobSubmitted +job\/talker: Version 1 was submitted/);
  const last = cellctl.start('allocation', 'logs', '-f', id);
  await last.said(/tick/);
  await cellctl.run('job', 'stop', 'talker', '--yes');
  // Following ends by itself with what is followed.
  expect(await last.ended(20_000)).toMatchObject({ exitCode: 0, errors: '' });
  await events.said(/JobStopped +job\/talker: /);
  events.kill('SIGINT');
  expect(await events.ended(10_000)).toMatchObject({ exitCode: 130, errors: '' });
  await cellctl.run('job', 'stop', 'slow', '--yes');
});

test('failover drills hand over and kill for real, and give their verdict', async () => {
  const file = jobFile('steady', witness.job('steady'));
  expect(await cellctl.run('job', 'run', '--yes', file)).toMatchObject({ exitCode: 0 });
  const before = witness.living('steady');
  // What may take how long is not for a busy machine to say.
  const patient = ['--leader-within', '25s', '--write-within', '25s'];
  const transferred = await cellctl.run('failover', 'test', '--mode', 'transfer', '--yes', ...patient);
  expect(transferred).toMatchObject({ exitCode: 0 });
  const drill = cellctl.start('failover', 'test', '--yes', '-o', 'json', ...patient);
  // Whoever leads by then.
  const killed = await waitFor(() => fleet.members.find((member) => !member.running), {
    what: 'a member to be killed',
  });
  expect(await killed.ended()).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
  killed.start();
  const crashed = await drill.ended();
  expect(crashed).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(crashed.output)).toMatchObject({ passed: true, leaderBefore: killed.id });
  expect(witness.living('steady')).toEqual(before);
  expect(witness.runs('steady')).toHaveLength(3);
});

test('without a leader stale reads are answered, others refused with a code', async () => {
  const left = await fleet.follower();
  const gone = fleet.members.filter((member) => member !== left);
  await Promise.all(gone.map((member) => member.kill()));
  try {
    const ask = fleet.cellctl(left);
    await waitFor(async () => (await left.http('/readyz')).status === 503, { what: 'the member to miss its leader' });
    const fresh = await ask.run('node', 'list', '--call-timeout', '3s');
    expect(fresh).toMatchObject({
      exitCode: 1,
      output: '',
      errors: expect.stringMatching(/^CELL_E_(NO_LEADER|TIMEOUT): /),
    });
    const stale = await ask.run('node', 'list', '--stale');
    expect(stale).toMatchObject({ exitCode: 0, output: expect.stringContaining('node-1') });
    const status = await ask.run('fleet', 'status', '--exit-code');
    expect(status).toMatchObject({ exitCode: 1, output: expect.stringContaining('has no leader') });
  } finally {
    await fleet.start();
  }
});
