import { expect } from 'vitest';
import { waitFor } from '../cluster/harness/wait-for.ts';
import { endInside, type Machine } from './machines/machine.ts';
import { labTest, testLab } from './test-lab.ts';

labTest('machines boot, run commands, know each other by name, and keep their files over reboots', async () => {
  const lab = await testLab();
  const [one, two] = (await lab.boot(['one', 'two'])) as [Machine, Machine];

  expect(await one.succeed('hostname; systemctl is-system-running')).toBe('one\nrunning\n');
  expect(await one.run('echo out; echo err >&2; exit 3')).toEqual({ exitCode: 3, output: 'out\n', errors: 'err\n' });
  expect((await one.run('sleep 60', { timeoutMs: 100 })).exitCode).toBe(124);
  expect(await one.succeed(['cat'], { input: 'given' })).toBe('given');
  expect(await one.succeed('getent hosts two')).toMatch(new RegExp(`^${two.address} +two$`, 'm'));
  expect(one.read('/etc/machine-id')).not.toBe(two.read('/etc/machine-id'));

  one.write('/srv/kept/file', 'as it was');
  const before = await bootOf(one);
  await one.reboot();
  const after = await bootOf(one);
  expect(after).not.toBe(before);
  await one.powerOff();
  expect(one.running).toBe(false);
  expect(one.read('/srv/kept/file')).toBe('as it was');
  await one.boot();
  expect(await bootOf(one)).not.toBe(after);
  expect(one.read('/srv/kept/file')).toBe('as it was');
  // What systemd says, journald writes a little later.
  await waitFor(async () => (await one.journal()).match(/Startup finished/g)?.length === 3, {
    what: 'the journals of three boots',
  });
});

labTest('a machine is cut from others and healed, unplugged, and loses its power without a word to them', async () => {
  const lab = await testLab();
  const [one, two, three] = (await lab.boot(['one', 'two', 'three'])) as [Machine, Machine, Machine];
  for (const machine of [one, two, three]) await listen(machine);

  await lab.cut(one, [two]);
  expect([await reaches(one, two), await reaches(two, one)]).toEqual([false, false]);
  await reached(one, three);
  await lab.heal(one, [two]);
  await reached(one, two);
  await reached(two, one);

  await lab.plug(three, 'down');
  expect(await reaches(three, one)).toBe(false);
  await reached(one, two);
  await lab.plug(three, 'up');
  await reached(three, one);

  const talk = two.start(['bash', '-c', `exec 3<>/dev/tcp/${one.address}/7; echo hello >&3; cat <&3`]);
  await waitFor(() => talk.output === 'hello\n', { what: 'the echo' });
  await one.losePower();
  expect([one.running, await reaches(two, one)]).toEqual([false, false]);
  // The connection still stands for the one who is left.
  expect(await two.succeed('ss --no-header --tcp state established dport = 7')).toContain(`${one.address}:7`);
  expect((await endInside(talk)).output).toBe('hello\n');
  await one.boot();
  expect(await one.succeed('systemctl is-system-running')).toBe('running\n');
});

labTest('units are held to limits, and in a machine with cgroup v2 alone to addresses', async () => {
  const lab = await testLab();
  const limits = await lab.make('limits');
  const unified = await lab.make('unified', { flavour: 'unified' });
  await Promise.all([limits.boot(), unified.boot()]);

  const greedy = 'systemd-run --wait --quiet --unit=greedy --property=MemoryMax=20M tail /dev/zero';
  expect((await limits.run(greedy)).exitCode).not.toBe(0);
  await waitFor(async () => /greedy\.service: .*code=killed, status=9.KILL/.test(await limits.journal()), {
    what: 'the journal to say that it was killed',
  });
  const forks = 'systemd-run --wait --pipe --quiet --property=TasksMax=5 bash -c';
  expect((await limits.run(`${forks} 'for i in 1 2 3 4 5 6; do sleep 1 & done'`)).errors).toContain('fork');

  expect(await unified.succeed('cat /proc/1/cgroup')).toMatch(/^0::\/init.scope$/m);
  await listen(unified);
  const denied = (address: string, seconds: number) =>
    unified.run(
      `systemd-run --wait --quiet --property=IPAddressDeny=${address} timeout ${seconds} bash -c '</dev/tcp/127.0.0.1/7'`,
    );
  // What is allowed comes about on a busy machine too; what is denied never answers.
  expect((await denied('192.0.2.1', 30)).exitCode).toBe(0);
  expect((await denied('localhost', 1)).exitCode).not.toBe(0);
});

/** When its systemd began. */
function bootOf(machine: Machine): Promise<string> {
  return machine.succeed('systemctl show --property=UserspaceTimestampMonotonic');
}

async function reaches(one: Machine, other: Machine): Promise<boolean> {
  return (await one.run(`timeout 1 bash -c '</dev/tcp/${other.address}/7'`)).exitCode === 0;
}

/** On a busy machine, connecting may take longer than `reaches` waits. */
async function reached(one: Machine, other: Machine): Promise<void> {
  await waitFor(() => reaches(one, other), { what: `"${one.name}" to reach "${other.name}"` });
}

/** An echo on port 7. */
async function listen(machine: Machine): Promise<void> {
  const echo = 'systemd-socket-activate --accept --inetd --listen=0.0.0.0:7 cat';
  await machine.succeed(`systemd-run --quiet --unit=echo ${echo}`);
  await reached(machine, machine);
}
