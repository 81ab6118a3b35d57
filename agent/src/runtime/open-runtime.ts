import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { AgentError } from '../agent-error.ts';
import type { Clock, Runtime } from '../ports.ts';
import { lockFolder } from '../state/folder-lock.ts';
import { openProcessRuntime } from './process/process-runtime.ts';
import { openSystemdRuntime } from './systemd/systemd-runtime.ts';

export interface RuntimeSettings {
  /** Undefined: systemd where it runs and this process is root, else processes. */
  readonly runtime: 'systemd' | 'process' | undefined;
  readonly data: string;
  /** Of this node. */
  readonly secrets: string;
}

/** Of the systemd that the machine was started with: sd_booted(3). */
const BOOTED = '/run/systemd/system';
/** What belongs to Cell and no workload may see. Variables of the daemons may be tokens, in files that people make. */
const OWN_PATHS = [
  '/etc/cell',
  '/etc/default/cell-agent',
  '/etc/default/cell-control-plane',
  '/run/cell',
  '/run/cell-agent',
  '/var/lib/cell',
];
/** All agents of a machine, whatever their data folders, would take each other's units for their own. */
const LOCK_FOLDER = '/run/cell-agent';

/** Opens what runs the workloads of this node; what runs already is adopted. */
export async function openRuntime({ runtime, data, secrets }: RuntimeSettings, clock: Clock): Promise<Runtime> {
  const folder = `${data}/allocations`;
  if ((runtime ?? defaultRuntime()) === 'process') return openProcessRuntime({ folder, clock });
  if (!existsSync(BOOTED) || process.getuid?.() !== 0) {
    const why = `it needs root and a machine that was started with systemd ("${BOOTED}")`;
    throw new AgentError('CELL_E_UNSUPPORTED', `Could not run workloads as units of systemd: ${why}`);
  }
  const unlock = await lockMachine();
  try {
    const hiddenPaths = [...OWN_PATHS, data, secrets];
    return await openSystemdRuntime({ folder, clock, secretsFolder: secrets, hiddenPaths, onClosed: unlock });
  } catch (error) {
    await unlock();
    throw error;
  }
}

function defaultRuntime(): 'systemd' | 'process' {
  return existsSync(BOOTED) && process.getuid?.() === 0 ? 'systemd' : 'process';
}

async function lockMachine(): Promise<() => Promise<void>> {
  await mkdir(LOCK_FOLDER, { recursive: true, mode: 0o700 });
  try {
    return await lockFolder(LOCK_FOLDER);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const message = 'Could not run workloads as units of systemd: another agent on this machine does; end it, or set';
    throw new AgentError('CELL_E_DATA_IN_USE', `${message} runtime = "process" in one of them`, { cause: error });
  }
}
