/**
 * How many machines one computer holds as a fleet: `density-main.ts COUNT`. Boots machines in groups, each with an
 * agent, beside one member, and prints what that took as one JSON object a line.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../cluster/harness/wait-for.ts';
import { buildRepository } from './fleet/build-repository.ts';
import { addRepository, installPackages } from './fleet/install-packages.ts';
import { AGENT_TOKEN_FILE, configure, installFleet } from './fleet/installed-fleet.ts';
import { Lab } from './machines/lab.ts';

const VERSION = '0.1.0';
const GROUP = 8;
const READY_MS_MAX = 600_000;
const KIB_PER_MIB = 1024;
const MS_PER_S = 1000;

/** Of all machines together, since they share the kernel and the user: about ten for each, and 128 are usual. */
const INOTIFY_LIMIT = '/proc/sys/fs/inotify/max_user_instances';
const INOTIFY_PER_MACHINE = 20;

function availableMib(): number {
  return Number(/^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / KIB_PER_MIB;
}

const count = Number(process.argv[2] ?? '20');
const inotifyBefore = readFileSync(INOTIFY_LIMIT, 'utf8');
writeFileSync(INOTIFY_LIMIT, `${Math.max(Number(inotifyBefore), (count + 10) * INOTIFY_PER_MACHINE)}`);
process.once('exit', () => writeFileSync(INOTIFY_LIMIT, inotifyBefore));
const lab = await Lab.open();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void lab.destroy().then(() => process.exit(1)));
try {
  const repository = join(lab.folder, 'repository');
  await buildRepository(repository, VERSION);
  const url = lab.serve('cell', repository);
  const fleet = await installFleet(lab, { names: { controlPlane: ['cp-1'], workers: [] }, repository, url });

  // Installed once, without a word on where the control plane is; so its agent has never run.
  const [first] = await lab.boot(['installed']);
  addRepository(first!, repository, url);
  await installPackages(first!, ['cell-agent']);
  await first!.powerOff();

  const token = await fleet.controlPlane[0]!.succeed(`cellctl token create --role agent --uses ${count}`);

  const startedMs = performance.now();
  const beforeMib = availableMib();
  for (let made = 0; made < count; made += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, count - made) }, (_, place) => `node-${made + place + 1}`);
    const machines = [];
    for (const name of group) {
      const machine = await lab.make(name, { like: first! });
      configure(machine, fleet.controlPlane[0]!.address);
      machine.write(AGENT_TOKEN_FILE, token, 0o600);
      machines.push(machine);
    }
    await Promise.all(machines.map((machine) => machine.boot()));
    const machinesUp = made + group.length;
    const wanted = `${machinesUp + 1} nodes ready`;
    await waitFor(async () => (await fleet.cellctl(['fleet', 'status'])).output.includes(wanted), {
      what: wanted,
      timeoutMs: READY_MS_MAX,
      pollMs: 500,
    });
    const usedMib = beforeMib - availableMib();
    process.stdout.write(
      `${JSON.stringify({
        bench: 'density',
        machines: machinesUp,
        seconds: Math.round((performance.now() - startedMs) / MS_PER_S),
        memoryPerMachineMib: Math.round(usedMib / machinesUp),
        availableMib: Math.round(availableMib()),
      })}\n`,
    );
  }
} finally {
  await lab.destroy();
}
process.exit();
