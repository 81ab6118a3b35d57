import { join } from 'node:path';
import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import {
  ESCAPE_ATTEMPTS,
  type EscapeAttempt,
  escapeScript,
  NEIGHBOURS_SECRET,
  SETUID_SHELL,
} from './escape-attempts.ts';
import { logsOf, onMachine, runBatch, startJob } from './fleet-jobs.ts';
import type { InstalledFleet } from './installed-fleet.ts';
import { fleetTest } from './shared-fleet.ts';

const SCRIPT = '/usr/local/bin/attempt-escapes';
/** Some forty programs one after the other. */
const ATTEMPTS_MS_MAX = 120_000;

const NEIGHBOUR = `
name = "neighbour"
command = ["bash", "-c", "echo ${NEIGHBOURS_SECRET} | tee $STATE_DIRECTORY/file; exec sleep 4711$$"]
directories = ["state"]
[environment]
SECRET = "${NEIGHBOURS_SECRET}"
`;

fleetTest('a sandboxed workload gets nothing of its node that is not its own', async ({ fleet }) => {
  const machine = fleet.workers[2] as Machine;
  await startJob(fleet, NEIGHBOUR + onMachine(machine), 1);
  await plantTargets(machine);

  const strict = await attempts(fleet, machine, 'batch', 'strict', '');
  const service = await attempts(fleet, machine, 'service', 'service', '');
  const asRoot = await attempts(fleet, machine, 'batch', 'as-root', 'sandbox = "none"\n');
  const asNobody = await attempts(fleet, machine, 'batch', 'as-nobody', 'sandbox = "none"\nuser = "nobody"\n');

  const table = ESCAPE_ATTEMPTS.map((attempt) => ({ attempt, strict, service, asRoot, asNobody })).map(row);
  expect(table).toEqual(ESCAPE_ATTEMPTS.map(expectedRow));
});

interface Tries {
  readonly attempt: EscapeAttempt;
  readonly strict: ReadonlyMap<string, string>;
  readonly service: ReadonlyMap<string, string>;
  readonly asRoot: ReadonlyMap<string, string>;
  readonly asNobody: ReadonlyMap<string, string>;
}

/** Whether it is possible at all, and who is refused; of a service only where that has to be. */
function row({ attempt, strict, service, asRoot, asNobody }: Tries): string {
  const { name, possibleFor, refusedToServices } = attempt;
  const bare = possibleFor === 'nobody' ? asNobody.get(name) : asRoot.get(name);
  const ofService = refusedToServices ? `, service ${service.get(name)}` : '';
  return `${name}: without sandbox ${bare}, batch ${strict.get(name)}${ofService}`;
}

function expectedRow({ name, possibleFor, refusedToServices }: EscapeAttempt): string {
  const bare = possibleFor === 'none' ? 'refused' : 'done';
  return `${name}: without sandbox ${bare}, batch refused${refusedToServices ? ', service refused' : ''}`;
}

/** What there is to be had on the machine. */
async function plantTargets(machine: Machine): Promise<void> {
  machine.write(SCRIPT, `#!/bin/bash\n${escapeScript()}\n`, 0o755);
  machine.write('/etc/cell/secrets/database', NEIGHBOURS_SECRET, 0o600);
  // Of a daemon that this machine does not have.
  machine.write('/etc/default/cell-control-plane', `CELL_JOIN_TOKEN=${NEIGHBOURS_SECRET}\n`);
  machine.write('/tmp/of-somebody-else', NEIGHBOURS_SECRET);
  machine.write(join('/home', 'somebody', 'notes'), NEIGHBOURS_SECRET);
  await machine.succeed(`cp /bin/bash ${SETUID_SHELL} && chmod 4755 ${SETUID_SHELL}`);
}

/** What became of each attempt, by name. */
async function attempts(
  fleet: InstalledFleet,
  machine: Machine,
  type: 'batch' | 'service',
  name: string,
  settings: string,
): Promise<ReadonlyMap<string, string>> {
  const tail = type === 'batch' ? '' : '; exec sleep infinity';
  const job = `name = "${name}"\ntype = "${type}"\ncommand = ["bash", "-c", "${SCRIPT}${tail}"]\n${settings}`;
  const toml = job + onMachine(machine);
  const [allocation] = await (type === 'batch' ? runBatch(fleet, toml, 1) : startJob(fleet, toml, 1));
  const lines = await waitFor(async () => finishedLines(fleet, allocation!), {
    what: `the attempts of "${name}"`,
    timeoutMs: ATTEMPTS_MS_MAX,
  });
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

async function finishedLines(fleet: InstalledFleet, allocation: Allocation): Promise<string[] | undefined> {
  const lines = (await logsOf(fleet, allocation)).trimEnd().split('\n');
  return lines.at(-1) === 'tried all' ? lines.slice(0, -1) : undefined;
}
