/** Machines whose clocks differ: up to 5 minutes all works; beyond, each side says so, by how much, and what to do. */
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { cellctlWith } from '../harness/cellctl.ts';
import type { Daemon } from '../harness/daemon.ts';
import { fakeClockEnvironment, fakeClockLibrary, setFakeClock } from '../harness/fake-clock.ts';
import type { Fleet } from '../harness/fleet.ts';
import { makeGuardedFolder } from '../harness/leftovers.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const LITTLE_SECONDS = 270;
const MUCH_SECONDS = 600;
/** Nodes that are told of a new authority renew within 10 s. */
const RENEWED_MS_MAX = 60_000;

/** Processes whose clocks a test sets, by name. */
class Clocks {
  readonly #folder = makeGuardedFolder('cell-clocks-');
  readonly #library: string;

  constructor(library: string) {
    this.#library = library;
  }

  set(name: string, offsetSeconds: number): void {
    setFakeClock(this.#file(name), offsetSeconds);
  }

  environment(name: string, offsetSeconds = 0): Record<string, string> {
    this.set(name, offsetSeconds);
    return fakeClockEnvironment(this.#library, this.#file(name));
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

/** Skips where there is no library for it. */
function clocksOf(context: TestContext): Clocks {
  const library = fakeClockLibrary();
  if (library === undefined) context.skip('Needs Debian\'s package "faketime", which "scripts/setup test" installs');
  return new Clocks(library);
}

/** By how much. A certificate that was made a while ago tells of less. */
const ABOUT = /about ([6-9]|1[01]) minutes.*timedatectl/;

/** Waits until it says on /readyz, as in its unit's status, that clocks differ, and by how much. */
async function tellsOfClocks(daemon: Daemon): Promise<string> {
  return waitFor(
    async () => {
      const { status, body } = await daemon.http('/readyz');
      return status === 503 && ABOUT.test(body) && body;
    },
    { what: `${daemon.name} to tell of clocks` },
  );
}

interface Authorities {
  readonly authorities: readonly { readonly issuing: boolean; readonly nodeNames: readonly string[] }[];
}

/** Both nodes get certificates of another authority. */
async function renewAll(fleet: Fleet): Promise<void> {
  const cellctl = fleet.cellctl();
  expect(await cellctl.run('ca', 'rotate')).toMatchObject({ exitCode: 0 });
  await waitFor(
    async () => {
      const { output } = await cellctl.run('ca', 'status', '-o', 'json');
      const { authorities } = JSON.parse(output) as Authorities;
      const renewed = authorities.find(({ issuing }) => issuing)?.nodeNames ?? [];
      return renewed.includes('node-1') && renewed.includes('node-2');
    },
    { what: 'both nodes to renew', timeoutMs: RENEWED_MS_MAX, pollMs: 250 },
  );
}

test('clocks that differ by 4.5 minutes join, work, and renew; agents that are 10 minutes off are told so', async (context) => {
  const clocks = clocksOf(context);
  const environments = {
    'member-3': clocks.environment('member-3', LITTLE_SECONDS),
    'node-1': clocks.environment('node-1', LITTLE_SECONDS),
    'node-2': clocks.environment('node-2', -LITTLE_SECONDS),
    'node-3': clocks.environment('node-3', MUCH_SECONDS),
    'node-4': clocks.environment('node-4', -MUCH_SECONDS),
  };
  const fleet = await testFleet({ members: 3, agents: 4, environments, start: false });
  const [ahead, behind] = [fleet.agent(3), fleet.agent(4)];
  const good = [...fleet.members, fleet.agent(1), fleet.agent(2)];
  for (const daemon of good) daemon.start();
  await Promise.all(good.map((daemon) => daemon.ready()));

  ahead.start();
  behind.start();
  const renewed = renewAll(fleet);
  expect(await tellsOfClocks(ahead)).toContain('ahead of the control plane');
  expect(await tellsOfClocks(behind)).toContain('the clocks differ by more than 5 minutes');
  for (const agent of [ahead, behind]) expect(agent.output()).toMatch(ABOUT);
  // Nothing else is needed than to set the clock.
  clocks.set('node-3', 0);
  clocks.set('node-4', 0);
  await Promise.all([ahead.ready(), behind.ready()]);
  await renewed;

  // They go over to a new connection with a new certificate, and are without one for a moment.
  for (const agent of fleet.agents) {
    await waitFor(async () => (await agent.metric('cell_agent_connected')) === 1, {
      what: `${agent.name} to be connected`,
    });
  }
  const events: string[] = [];
  for await (const { event } of fleet.operators().fleet.streamEvents({})) events.push(event?.type ?? '');
  expect(events).not.toContain('NodeLost');
});

test('a member or a person that is 10 minutes off is told so; a member that is 4.5 minutes behind works', async (context) => {
  const clocks = clocksOf(context);
  const environments = { 'member-3': clocks.environment('member-3', -LITTLE_SECONDS) };
  const fleet = await testFleet({ members: 3, environments });
  const member = fleet.member(3);
  for (const seconds of [MUCH_SECONDS, -MUCH_SECONDS]) {
    clocks.set('member-3', seconds);
    await member.restart();
    expect(await tellsOfClocks(member)).toMatch(/^No leader is known\. Cannot reach member/);
    expect(member.output()).toMatch(ABOUT);
  }
  clocks.set('member-3', 0);
  await member.ready();

  const cellctl = cellctlWith({
    ...clocks.environment('person', -MUCH_SECONDS),
    CELL_ADDR: fleet.addresses.join(','),
    CELL_TOKEN_FILE: fleet.identity.adminTokenFile,
  });
  expect(await cellctl.run('fleet', 'status')).toMatchObject({
    exitCode: 1,
    output: '',
    errors: expect.stringMatching(/^CELL_E_CLOCK_SKEW: .*by about \d+ minutes or more.*timedatectl/),
  });
});
