import { type Conflict, conflict, type Rule } from './conflict.ts';
import { type IssuePath, renderPath } from './issue.ts';
import type { JobSpec } from './job-spec.ts';
import { renderMemorySize } from './schema/memory-size.ts';

/** What doesn't fit together in how an instance is shut off and limited. */
export const isolationRules: readonly Rule[] = [
  oneUser,
  dynamicUserIsSandboxed,
  strictIsNotRoot,
  reservedIsUsable,
  slowedBeforeKilled,
  allowedIsDenied,
  portsAreReached,
  devicesDiffer,
  credentialsDiffer,
];

function oneUser({ user, dynamicUser }: JobSpec): readonly Conflict[] {
  if (user === '' || !dynamicUser) return [];
  const allowed = 'left out beside dynamic_user = true, which makes a user for the instance';
  return [conflict(['user'], user, allowed, [['user'], ['dynamic_user']])];
}

/** DynamicUser= of systemd.exec(5) can't be had without a part of the sandbox. */
function dynamicUserIsSandboxed({ dynamicUser, sandbox }: JobSpec): readonly Conflict[] {
  if (!dynamicUser || sandbox !== 'none') return [];
  const allowed = 'false or left out with sandbox = "none": a user that is made for the instance comes with a sandbox';
  return [conflict(['dynamic_user'], dynamicUser, allowed, [['dynamic_user'], ['sandbox']])];
}

/** Root without capabilities still owns the system's files and may signal its processes: that would be strict in name only. */
function strictIsNotRoot({ user, sandbox }: JobSpec): readonly Conflict[] {
  if (user !== 'root' || sandbox !== 'strict') return [];
  const allowed = 'another user, or left out, with sandbox = "strict": what belongs to root can\'t be kept from root';
  return [conflict(['user'], user, allowed, [['user'], ['sandbox']])];
}

function reservedIsUsable({ limits, resources }: JobSpec): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const why = 'what is set aside must be usable';
  if (limits.memoryMaxMib > 0 && limits.memoryMaxMib < resources.memoryMib) {
    const path: IssuePath = ['limits', 'memory_max'];
    const allowed = `at least resources.memory, "${renderMemorySize(resources.memoryMib)}": ${why}`;
    conflicts.push(conflict(path, renderMemorySize(limits.memoryMaxMib), allowed, [path, ['resources', 'memory']]));
  }
  if (limits.cpuMaxMillis > 0 && limits.cpuMaxMillis < resources.cpuMillis) {
    const path: IssuePath = ['limits', 'cpu_max'];
    const allowed = `at least resources.cpu, ${resources.cpuMillis / 1000}: ${why}`;
    conflicts.push(conflict(path, limits.cpuMaxMillis / 1000, allowed, [path, ['resources', 'cpu']]));
  }
  return conflicts;
}

function slowedBeforeKilled({ limits: { memoryHighMib, memoryMaxMib } }: JobSpec): readonly Conflict[] {
  if (memoryMaxMib === 0 || memoryHighMib <= memoryMaxMib) return [];
  const path: IssuePath = ['limits', 'memory_high'];
  const because: IssuePath[] = [path, ['limits', 'memory_max']];
  const allowed = `at most memory_max, "${renderMemorySize(memoryMaxMib)}"`;
  return [conflict(path, renderMemorySize(memoryHighMib), allowed, because)];
}

function allowedIsDenied({ network: { allow, deny } }: JobSpec): readonly Conflict[] {
  if (allow.length === 0 || deny.length > 0) return [];
  const path: IssuePath = ['network', 'allow'];
  const allowed = 'left out without network.deny, which it makes exceptions from; to reach nothing else, deny "any"';
  return [conflict(path, allow, allowed, [path, ['network', 'deny']])];
}

function portsAreReached({ network, ports }: JobSpec): readonly Conflict[] {
  if (!network.private || ports.length === 0) return [];
  const path: IssuePath = ['network', 'private'];
  // The list as a whole: what is wrong with one of them changes nothing.
  const allowed = 'false or left out for a job with ports: nobody would reach them';
  return [conflict(path, true, allowed, [path, ['ports', '']])];
}

/** The same device twice, with different access. */
function devicesDiffer({ devices }: JobSpec): readonly Conflict[] {
  const paths = devices.map((device) => device.slice(0, device.lastIndexOf(':')));
  return devices.flatMap((device, index) => {
    const earlier = paths.indexOf(paths[index] ?? '');
    if (earlier === index || devices.indexOf(device) !== index) return [];
    const allowed = `of another device than devices[${earlier}]; name each once, with all access that it needs`;
    return [conflict(['devices', index], device, allowed, [['devices']])];
  });
}

/** Credentials and secrets lie in one folder. */
function credentialsDiffer({ credentials, secrets }: JobSpec): readonly Conflict[] {
  const both = Object.keys(secrets).filter((name) => Object.hasOwn(credentials, name));
  return both.map((name) => {
    const path: IssuePath = ['secrets', name];
    const allowed = `under another name than ${renderPath(['credentials', name])}: both are files in one folder`;
    return conflict(path, secrets[name], allowed, [path, ['credentials', name]]);
  });
}
