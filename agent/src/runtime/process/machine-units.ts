import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AgentError } from '../../agent-error.ts';

/** What the numbers in /proc/PID/stat count. */
export interface MachineUnits {
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
}

const run = promisify(execFile);

export async function readMachineUnits(): Promise<MachineUnits> {
  try {
    const [ticks, page] = await Promise.all([run('getconf', ['CLK_TCK']), run('getconf', ['PAGESIZE'])]);
    return { ticksPerSecond: Number(ticks.stdout), pageBytes: Number(page.stdout) };
  } catch (error) {
    const why = (error as Error).message;
    throw new AgentError('CELL_E_UNSUPPORTED', `Could not ask "getconf" for this machine's units: ${why}`, {
      cause: error,
    });
  }
}
