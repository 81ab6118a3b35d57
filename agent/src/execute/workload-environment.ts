import { AgentError } from '../agent-error.ts';
import type { RunRequest } from '../ports.ts';
import type { DesiredAllocation } from '../reconcile/model.ts';

/** What a workload learns of the node that it runs on. */
export interface WorkloadNode {
  readonly name: string;
  /** Where its ports are reached. */
  readonly address: string;
  /** Where commands without a path are looked for. */
  readonly path: string;
}

/** Of one allocation. */
export interface WorkloadFolders {
  readonly workFolder: string;
  readonly secretsFolder: string;
}

const REFERENCE = /\$\{(CELL_[A-Z0-9_]*)\}/g;

/**
 * What is run for an allocation: values filled in, and its whole environment: what the job says, over a small default
 * one, and under the allocation's own values. Throws `CELL_E_CANNOT_RUN` for a reference to a value that isn't there.
 */
export function runRequestOf(
  desired: DesiredAllocation,
  run: number,
  node: WorkloadNode,
  { workFolder, secretsFolder }: WorkloadFolders,
): RunRequest {
  const own = ownValues(desired, node);
  const fill = (text: string, where: string): string =>
    text.replace(REFERENCE, (reference, name: string) => own[name] ?? unknownReference(reference, where, own));
  const given = Object.entries(desired.environment).map(([name, value]) => [name, fill(value, `environment.${name}`)]);
  return {
    id: desired.id,
    run,
    command: desired.command.map((argument) => fill(argument, 'command')),
    environment: {
      PATH: node.path,
      HOME: workFolder,
      LANG: 'C.UTF-8',
      ...Object.fromEntries(given),
      ...own,
    },
    user: desired.user,
    workingDirectory: fill(desired.workingDirectory, 'working_directory'),
    jobName: desired.jobName,
    instance: desired.instance,
    isolation: desired.isolation,
    secretsFolder: Object.keys(desired.isolation.secrets ?? {}).length > 0 ? secretsFolder : '',
    stop: desired.stop,
  };
}

function ownValues(desired: DesiredAllocation, node: WorkloadNode): Readonly<Record<string, string>> {
  const ports = Object.entries(desired.ports).map(([name, port]) => [portVariable(name), `${port}`]);
  return {
    CELL_JOB: desired.jobName,
    CELL_JOB_VERSION: `${desired.jobVersion}`,
    CELL_ALLOCATION: desired.id,
    CELL_INSTANCE: `${desired.instance}`,
    CELL_NODE: node.name,
    CELL_ADDRESS: node.address,
    ...Object.fromEntries(ports),
  };
}

function portVariable(name: string): string {
  return `CELL_PORT_${name.toUpperCase().replaceAll('-', '_')}`;
}

function unknownReference(reference: string, where: string, own: Readonly<Record<string, string>>): never {
  const known = Object.keys(own).map((name) => `"${name}"`);
  const message = `Could not fill in "${reference}" in ${where}; known are ${known.join(', ')}`;
  throw new AgentError('CELL_E_CANNOT_RUN', message);
}
