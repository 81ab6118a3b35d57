import { expect } from 'vitest';
import { HUB_ADDRESS } from '../machines/network.ts';
import { logsOf, onMachine, runBatch } from './fleet-jobs.ts';
import { fleetTest } from './shared-fleet.ts';

/** What there is to be reached: the server of the repository, and the agent of the same machine. */
const REACH = `type = "batch"
command = ["bash", "-c", '''
for address in ${HUB_ADDRESS}/80 ADDRESS/7603; do
  if timeout 5 bash -c "</dev/tcp/$address"; then echo reached; else echo not reached; fi
done 2>/dev/null''']
`;

fleetTest('a job reaches the addresses that it may, and no others', async ({ fleet }) => {
  const machine = fleet.workers[0]!;
  const reached = async (name: string, network: string) => {
    const job = `name = "${name}"\n${REACH.replace('ADDRESS', machine.address)}`;
    const [allocation] = await runBatch(fleet, `${job}${onMachine(machine)}${network}`, 1);
    return logsOf(fleet, allocation!);
  };

  expect(await reached('free', '')).toBe('reached\nreached\n');
  // Which address a machine has depends on how many were made before it.
  const itself = `[network]\ndeny = ["any"]\nallow = ["${machine.address}/32"]\n`;
  expect(await reached('denied', itself)).toBe('not reached\nreached\n');
  expect(await reached('alone', '[network]\nprivate = true\n')).toBe('not reached\nnot reached\n');
});
