/** Another certificate authority, while everything works; with certificates that live for half a minute. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Cellctl, cellctlWith } from '../harness/cellctl.ts';
import type { Agent, Fleet } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { runJob, settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const LIFETIME = '30s';
/** A lifetime, and some for a busy machine. */
const RETIRED_MS_MAX = 90_000;
/** Longer than an agent may take from one connection to the next; far less than its lease. */
const LEASE_SECONDS_MIN = 2;

interface Authorities {
  readonly authorities: readonly { readonly id: string; readonly issuing: boolean; readonly nodes: number }[];
}

async function authorities(cellctl: Cellctl): Promise<Authorities['authorities']> {
  const { output } = await cellctl.run('ca', 'status', '-o', 'json');
  return (JSON.parse(output) as Authorities).authorities;
}

/** Another admin, who came after the new authority did. */
async function renewedIdentity(fleet: Fleet, cellctl: Cellctl) {
  const { output } = await cellctl.run('token', 'create', '--role', 'admin', '--name', 'next');
  const file = join(fleet.folder, 'next.token');
  writeFileSync(file, output, { mode: 0o600 });
  const environment = { CELL_ADDR: fleet.addresses.join(','), CELL_TOKEN_FILE: file };
  return { identity: { token: output.trim() }, cellctl: cellctlWith(environment) };
}

/** The least that was left of any agent's lease while it looked. */
class LeaseWatch {
  leastSeconds = Number.POSITIVE_INFINITY;
  readonly #work: Promise<void>;
  #stopping = false;

  constructor(agents: readonly Agent[]) {
    this.#work = this.#watch(agents);
  }

  async stop(): Promise<number> {
    this.#stopping = true;
    await this.#work;
    return this.leastSeconds;
  }

  async #watch(agents: readonly Agent[]): Promise<void> {
    while (!this.#stopping) {
      for (const agent of agents) {
        const left = await agent.metric('cell_agent_lease_remaining_seconds').catch(() => undefined);
        if (left !== undefined) this.leastSeconds = Math.min(this.leastSeconds, left);
      }
      await setTimeout(100);
    }
  }
}

test('certificates renew themselves and the authority is replaced under load: no workload and no session is lost', async () => {
  const fleet = await testFleet({
    members: 3,
    agents: 3,
    memberSettings: `[certificates]\nlifetime = "${LIFETIME}"\n`,
  });
  const client = fleet.operators();
  const witness = new Witness(fleet.folder);
  await runJob(client, witness.job('web', { settings: 'count = 3' }));
  await settled(client, 'web', { count: 3 });
  const before = witness.living('web');
  const cellctl = fleet.cellctl();
  const [old] = await authorities(cellctl);
  expect(old).toMatchObject({ issuing: true, nodes: 3 });
  const writer = new MarkWriter(client);
  const leases = new LeaseWatch(fleet.agents);

  expect(await cellctl.run('ca', 'rotate')).toMatchObject({ exitCode: 0 });
  expect(await authorities(cellctl)).toHaveLength(2);
  const renewed = await renewedIdentity(fleet, cellctl);
  const left = await waitFor(
    async () => {
      const all = await authorities(renewed.cellctl);
      return all.length === 1 && all[0]!.id !== old!.id ? all : undefined;
    },
    { what: 'the old authority to be retired', timeoutMs: RETIRED_MS_MAX, pollMs: 500 },
  );
  expect(left).toMatchObject([{ issuing: true, nodes: 3 }]);
  // Connections that stand go on, also of those who trust only the old one.
  const acknowledged = writer.acknowledged;
  await waitFor(() => writer.acknowledged > acknowledged + 50, { what: 'writes to go on' });
  await writer.stop();
  const again = fleet.client(renewed.identity);
  expect(await writer.lost(again)).toEqual([]);
  process.stdout.write(`${acknowledged} writes; failures ${JSON.stringify([...writer.failures])}\n`);

  expect(await leases.stop()).toBeGreaterThan(LEASE_SECONDS_MIN);
  expect(witness.living('web')).toEqual(before);
  expect(witness.runs('web')).toHaveLength(3);
  const events: string[] = [];
  for await (const { event } of again.fleet.streamEvents({})) events.push(event?.type ?? '');
  expect(events).toEqual(expect.arrayContaining(['AuthorityRotated', 'AuthorityRetired']));
  expect(events).not.toContain('NodeLost');
  // All of them come back with what is trusted now.
  await Promise.all(fleet.members.map((member) => member.restart()));
  await fleet.agent(1).restart();
  await fleet.ready();
  await settled(again, 'web', { count: 3 });
  expect(witness.runs('web')).toHaveLength(3);
  // A token pins the authority of its time.
  expect((await cellctl.run('node', 'list')).errors).toMatch(/^CELL_E_UNTRUSTED: .*make a new token/);
}, 240_000);
