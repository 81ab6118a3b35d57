import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Daemon } from '../harness/daemon.ts';
import { instancesOf, runJob, settled } from '../harness/run-job.ts';
import { SmallDisk } from '../harness/small-disk.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

function rewrite(daemon: Daemon, change: (toml: string) => string): void {
  writeFileSync(daemon.configFile, change(readFileSync(daemon.configFile, 'utf8')));
}

/** Starts it, expects that it ends with 1, and gives what it said. */
async function refusal(daemon: Daemon): Promise<string> {
  const before = daemon.started ? daemon.errors().length : 0;
  daemon.start();
  expect(await daemon.ended()).toEqual({ exitCode: 1, signal: undefined });
  return daemon.errors().slice(before);
}

test('an agent with a wrong configuration is told every problem at once', async () => {
  const agent = (await testFleet({ members: 1, agents: 1, start: false })).agent(1);
  rewrite(agent, (toml) => `colour = "red"\n${toml.replace(/range = .*/, 'range = "9-8"')}`);
  const said = await refusal(agent);
  expect(said).toMatch(/^CELL_E_CONFIG: .* has 2 problems\n {2}\S+:1: Key "colour" is not known here/);
  expect(said).toMatch(/\n {2}\S+:\d+: Key "ports\.range" has the value "9-8"/);
});

test('an agent whose disk is full keeps what runs, refuses to start, and goes on once there is room', async (context) => {
  const fleet = await testFleet({ members: 1, agents: 1, start: false });
  const agent = fleet.agent(1);
  const disk = SmallDisk.mount(agent.dataFolder, '4m');
  if (disk === undefined) return context.skip('Mounting a small file system takes root');
  try {
    await fleet.start();
    const client = fleet.operators();
    const witness = new Witness(fleet.folder);
    await runJob(client, witness.job('before', { settings: 'count = 2' }));
    await settled(client, 'before', { count: 2 });
    const before = witness.living('before');
    disk.fill();
    // It lives on, and says what is missing.
    await runJob(client, witness.job('after', { settings: 'count = 1' }));
    await waitFor(() => /make room|no space left/i.test(agent.output()), { what: 'the agent to say what is missing' });
    expect((await agent.http('/livez')).status).toBe(200);
    await agent.kill();
    expect(await refusal(agent)).toMatch(/^CELL_E_DATA_UNUSABLE: .*no space left on device.*make room.*\n$/);
    expect(witness.living('before')).toEqual(before);
    disk.empty();
    agent.start();
    await agent.ready();
    await settled(client, 'after', { count: 1 });
    await settled(client, 'before', { count: 2 });
    expect(witness.living('before')).toEqual(before);
    expect(witness.runs('before')).toHaveLength(2);
    expect(witness.living('after')).toHaveLength(1);
  } finally {
    if (agent.running) await agent.kill();
    // Before the fleet's folder is removed, and whatever still works there.
    disk.unmount();
  }
});

test('an agent that is led to another cluster trusts nobody there and says so, and touches nothing of what it runs', async () => {
  const home = await testFleet({ members: 1, agents: 1, cluster: 'home' });
  const away = await testFleet({ members: 1, agents: 1, cluster: 'away', start: false });
  const witness = new Witness(home.folder);
  await runJob(home.operators(), witness.job('web', { settings: 'count = 2' }));
  await settled(home.operators(), 'web', { count: 2 });
  const before = witness.living('web');
  away.member(1).start();
  await away.member(1).ready();
  const [agent, stranger] = [home.agent(1), away.member(1)];
  await agent.kill();
  const own = home.member(1).grpcAddress;
  rewrite(agent, (toml) => toml.replace(own, stranger.grpcAddress));
  agent.start();
  await waitFor(() => agent.output().includes('CELL_E_UNTRUSTED'), { what: 'the agent to trust nobody there' });
  expect(await agent.http('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('cluster') });
  expect((await away.operators().nodes.listNodes({})).nodes).toEqual([]);
  expect(witness.living('web')).toEqual(before);
  await agent.kill();
  rewrite(agent, (toml) => toml.replace(stranger.grpcAddress, own));
  agent.start();
  await agent.ready();
  expect(await instancesOf(home.operators(), 'web')).toHaveLength(2);
  expect(witness.living('web')).toEqual(before);
});

test('what was damaged in the data of an agent is named, and once it is restored nothing has restarted', async () => {
  const fleet = await testFleet({ members: 1, agents: 1 });
  const witness = new Witness(fleet.folder);
  await runJob(fleet.operators(), witness.job('web', { settings: 'count = 1' }));
  const [allocation] = await settled(fleet.operators(), 'web', { count: 1 });
  const agent = fleet.agent(1);
  await agent.kill();
  const file = `${agent.dataFolder}/state/allocations/${allocation!.id}.json`;
  cpSync(file, `${fleet.folder}/kept`);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"web"', '"wab"'));
  expect(await refusal(agent)).toMatch(new RegExp(`^CELL_E_STATE_DAMAGED: .*${allocation!.id}\\.json.*checksum.*\n$`));
  expect(witness.living('web')).toHaveLength(1);
  rmSync(file);
  cpSync(`${fleet.folder}/kept`, file);
  agent.start();
  await agent.ready();
  await settled(fleet.operators(), 'web', { count: 1 });
  expect(witness.runs('web')).toHaveLength(1);
});
