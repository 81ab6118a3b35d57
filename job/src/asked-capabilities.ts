import type { JobSpec } from './job-spec.ts';

/** Something that a node must be able to do for a job, in the words of `Inventory.capabilities` in model.proto. */
export interface AskedCapability {
  /** Such as "limit.memory-max" or "device:/dev/kvm". */
  readonly capability: string;
  /** The key of the job file that asks for it, such as "limits.memory_max". */
  readonly key: string;
}

const limitCapabilities: Readonly<Record<keyof JobSpec['limits'], AskedCapability>> = {
  memoryMaxMib: { key: 'limits.memory_max', capability: 'limit.memory-max' },
  memoryHighMib: { key: 'limits.memory_high', capability: 'limit.memory-high' },
  cpuMaxMillis: { key: 'limits.cpu_max', capability: 'limit.cpu-max' },
  cpuWeight: { key: 'limits.cpu_weight', capability: 'limit.cpu-weight' },
  ioWeight: { key: 'limits.io_weight', capability: 'limit.io-weight' },
  tasksMax: { key: 'limits.tasks_max', capability: 'limit.tasks-max' },
  filesMax: { key: 'limits.files_max', capability: 'limit.files-max' },
};

/**
 * What a job asks of its nodes, in the order of the job file. Only what it asks for expressly: the sandbox "default" is
 * what a node can, and asks for nothing.
 */
export function askedCapabilities(spec: JobSpec): readonly AskedCapability[] {
  const asked: AskedCapability[] = [];
  const ask = (wanted: boolean, key: string, capability: string) => {
    if (wanted) asked.push({ key, capability });
  };
  ask(spec.sandbox === 'strict', 'sandbox', 'sandbox.strict');
  ask(spec.dynamicUser, 'dynamic_user', 'user.dynamic');
  ask(spec.environmentFiles.length > 0, 'environment_files', 'environment-files');
  ask(spec.directories.length > 0, 'directories', 'directories');
  for (const device of spec.devices) ask(true, 'devices', `device:${devicePath(device)}`);
  for (const [limit, wanted] of Object.entries(limitCapabilities)) {
    if (spec.limits[limit as keyof JobSpec['limits']] > 0) asked.push(wanted);
  }
  ask(spec.network.private, 'network.private', 'network.private');
  ask(spec.network.deny.length > 0, 'network.deny', 'network.addresses');
  ask(Object.keys(spec.credentials).length > 0, 'credentials', 'credentials');
  return asked;
}

/** Of "PATH:ACCESS"; the path may have colons too. */
function devicePath(device: string): string {
  const end = device.lastIndexOf(':');
  return end === -1 ? device : device.slice(0, end);
}
