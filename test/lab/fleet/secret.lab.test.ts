import { createHash } from 'node:crypto';
import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { invocationOf, logsOf, onMachine, startJob, unitOf } from './fleet-jobs.ts';
import { agentIsBack } from './installed-fleet.ts';
import { fleetTest } from './shared-fleet.ts';

const VALUE = 'correct-horse-battery-staple-4711';
/** As it is, and as messages and logs could write it. */
const FORMS = [VALUE, ...(['base64', 'base64url', 'hex'] as const).map((form) => Buffer.from(VALUE).toString(form))];
/** All that a machine writes to; what it is made of, such as /usr, it has from the packages. */
const FOLDERS = '/etc /home /root /run /tmp /var';

/** It says what it was given by a digest, so that nothing of it is written anywhere. */
const JOB = `
name = "shop"
command = ["sh", "-c", "sha256sum <$CREDENTIALS_DIRECTORY/password; exec sleep infinity"]
`;
const SECRETS = '\n[secrets]\npassword = "shop-database"\n';

fleetTest('a secret reaches its workload by a credential, and is nowhere else on any machine', async ({ fleet }) => {
  const machine = fleet.workers[2] as Machine;
  const set = await fleet.cellctl(['secret', 'set', 'shop-database', '--file', '-'], { input: VALUE });
  expect(set, set.errors).toMatchObject({ exitCode: 0 });
  const [shop] = (await startJob(fleet, JOB + onMachine(machine) + SECRETS, 1)) as [Allocation];
  const digest = createHash('sha256').update(VALUE).digest('hex');
  await waitFor(async () => (await logsOf(fleet, shop)).startsWith(digest), { what: 'the workload to have read it' });

  const given = `/run/credentials/${unitOf(shop)}/password`;
  const kept = `/run/cell-agent/secrets/${shop.id}/password`;
  expect(await filesWithSecret(machine)).toEqual([kept, given].toSorted());
  expect(await machine.succeed('stat --file-system --format=%T /run/cell-agent')).toBe('tmpfs\n');
  expect(await machine.run(`runuser -u nobody -- cat ${kept}`)).toMatchObject({ exitCode: 1, output: '' });
  for (const other of fleet.machines) {
    if (other !== machine) expect(await filesWithSecret(other), other.name).toEqual([]);
  }
  const said = await machine.succeed(`
    systemctl show --all ${unitOf(shop)}; systemctl cat ${unitOf(shop)}; journalctl --all
    cd /proc/$(systemctl show --property=MainPID --value ${unitOf(shop)}) && cat environ cmdline`);
  // So far it has looked, to the end.
  expect(said).toMatch(/LoadCredential=password:.*CREDENTIALS_DIRECTORY=.*infinity/s);
  expect(FORMS.filter((form) => said.includes(form))).toEqual([]);

  const invocation = await invocationOf(fleet, shop);
  await machine.succeed('systemctl restart cell-agent.service');
  await agentIsBack(fleet, machine);
  expect(await invocationOf(fleet, shop)).toBe(invocation);
  expect(await filesWithSecret(machine)).toEqual([kept, given].toSorted());

  await fleet.client.jobs.stopJob({ name: 'shop' });
  await waitFor(async () => (await filesWithSecret(machine)).length === 0, { what: 'the secret to be removed' });
});

async function filesWithSecret(machine: Machine): Promise<string[]> {
  const words = FORMS.map((form) => `-e ${form}`).join(' ');
  const { output } = await machine.run(`grep --recursive --files-with-matches --fixed-strings ${words} ${FOLDERS}`);
  return output.split('\n').filter(Boolean).toSorted();
}
