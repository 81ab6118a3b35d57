/** What only an agent can tell comes from every member, whichever of them the agent is connected to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../harness/fleet.ts';
import { runJob, settled } from '../harness/run-job.ts';
import { waitFor } from '../harness/wait-for.ts';

let fleet: Fleet;
let id: string;

beforeAll(async () => {
  fleet = await startFleet({ members: 3, agents: 1 });
  const client = fleet.operators();
  await runJob(client, 'name = "talker"\ncommand = ["sh", "-c", "echo begun; sleep infinity"]\n');
  id = (await settled(client, 'talker', { count: 1 }))[0]!.id;
});
afterAll(() => fleet?.stop());

/** cellctl, once for each member. */
function everywhere() {
  return fleet.members.map((member) => fleet.cellctl(member));
}

test('each member tells what an allocation uses', async () => {
  for (const cellctl of everywhere()) {
    await waitFor(
      async () => {
        const { output } = await cellctl.run('allocation', 'show', id, '-o', 'json');
        const { usage } = JSON.parse(output) as { usage?: { memoryBytes: number; processes: number } };
        return usage !== undefined && usage.processes >= 1 && usage.memoryBytes > 0;
      },
      { what: 'usage to be told' },
    );
    const { output } = await cellctl.run('allocation', 'show', id);
    expect(output).toMatch(/Memory +\d.* [KM]iB\nTasks +\d/);
  }
});

test('each member passes its output on', async () => {
  for (const cellctl of everywhere()) {
    expect(await cellctl.run('allocation', 'logs', id, '-n', '5')).toEqual({
      exitCode: 0,
      output: 'begun\n',
      errors: '',
    });
  }
});

test('each member says that a node without systemd runs no commands in allocations', async () => {
  for (const cellctl of everywhere()) {
    const refused = await cellctl.run('allocation', 'exec', id, '--', 'true');
    expect(refused).toMatchObject({
      exitCode: 255,
      output: '',
      errors: expect.stringMatching(/^CELL_E_UNSUPPORTED: /),
    });
  }
});
