import type { RunRequest } from '../../ports.ts';
import type { Isolation } from '../../reconcile/model.ts';
import type { UnitProperty } from './systemd-manager.ts';

/** Permission denied, from <errno.h>: for system calls that are filtered. */
const EPERM = 1;
const OWNER_ONLY_UMASK = 0o077;
/** Files of transient units, which everybody may read: environment and command of all that runs on the node. */
const UNIT_FILES = '/run/systemd/transient';
/**
 * Where others may be asked to do what a strict run may not, and to tell what belongs to others: the bus has the
 * environment of every unit for everybody, and root's own sockets start programs for root. That the file system can only
 * be read keeps nobody from connecting. What journald and the resolver of names need stays.
 */
const HIDDEN_FROM_STRICT = [
  '/run/containerd',
  '/run/crio',
  '/run/dbus',
  '/run/docker.sock',
  '/run/initctl',
  '/run/libvirt',
  '/run/podman',
  '/run/systemd/io.system.ManagedOOM',
  '/run/systemd/io.systemd.Manager',
  '/run/systemd/journal/io.systemd.journal',
  '/run/systemd/private',
  '/run/udev',
];

/** What "default" means: batch jobs are others' code more often than not, services are daemons that one has chosen. */
export function sandboxOf({ sandbox, jobType }: Isolation): 'moderate' | 'strict' | 'none' {
  if (sandbox !== 'default') return sandbox;
  return jobType === 'batch' ? 'strict' : 'moderate';
}

/** How far a run is shut off from its node. */
export function sandboxProperties({ isolation }: RunRequest, hiddenPaths: readonly string[]): UnitProperty[] {
  switch (sandboxOf(isolation)) {
    case 'none':
      return [];
    case 'moderate':
      return [...moderate(hiddenPaths), ['ProtectSystem', 's', 'full'], ...devices(isolation, { closed: false })];
    case 'strict':
      return [
        ...moderate([...hiddenPaths, ...HIDDEN_FROM_STRICT]),
        ...strict(),
        ...devices(isolation, { closed: true }),
      ];
  }
}

/** What ordinary daemons never miss. */
function moderate(hiddenPaths: readonly string[]): UnitProperty[] {
  const yes = [
    'NoNewPrivileges',
    'PrivateTmp',
    'ProtectControlGroups',
    'ProtectHostname',
    'ProtectKernelLogs',
    'ProtectKernelModules',
    'ProtectKernelTunables',
    'RestrictRealtime',
    'RestrictSUIDSGID',
    'LockPersonality',
  ] as const;
  return [
    ...yes.map((name): UnitProperty => [name, 'b', true]),
    // Ones that this node does not have hide nothing.
    ['InaccessiblePaths', 'as', [UNIT_FILES, ...hiddenPaths].map((path) => `-${path}`)],
  ];
}

/**
 * The part of a sandbox that processes inherit, and can't be read from a process to be given to another: for commands in
 * a run. `filters` tells whether the unit of the run filters system calls, which only strict ones do. Namespaces are
 * entered by then, so all but those of users are allowed; without one of those nobody but root can make any.
 */
export function inheritedProperties({ filters }: { readonly filters: boolean }): UnitProperty[] {
  if (!filters) return [];
  return [
    ...callFilters(),
    ['RestrictNamespaces', 't', ALL_NAMESPACES & ~NAMESPACES_OF_USERS],
    ['RestrictRealtime', 'b', true],
    ['RestrictSUIDSGID', 'b', true],
    ['LockPersonality', 'b', true],
  ];
}

/** CLONE_NEW* of <linux/sched.h>; of those that systemd knows. */
const ALL_NAMESPACES = 0x7e020000n;
const NAMESPACES_OF_USERS = 0x10000000n;

function callFilters(): UnitProperty[] {
  return [
    ['RestrictAddressFamilies', '(bas)', [true, ['AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK']]],
    ['SystemCallFilter', '(bas)', [true, ['@system-service']]],
    ['SystemCallErrorNumber', 'i', EPERM],
    ['SystemCallArchitectures', 'as', ['native']],
  ];
}

/** As far as systemd goes without breaking programs that compile code as they run, such as Node. */
function strict(): UnitProperty[] {
  return [
    ['ProtectSystem', 's', 'strict'],
    ['ProtectHome', 's', 'yes'],
    ['ProtectProc', 's', 'invisible'],
    ['ProtectClock', 'b', true],
    ['CapabilityBoundingSet', 't', 0n],
    ['AmbientCapabilities', 't', 0n],
    // No kind of namespace may be made.
    ['RestrictNamespaces', 't', 0n],
    ...callFilters(),
    ['UMask', 'u', OWNER_ONLY_UMASK],
  ];
}

/** Devices of one's own folder /dev can't be those of the node: who asks for one sees all, and may use only that. */
function devices({ devices: asked }: Isolation, { closed }: { readonly closed: boolean }): UnitProperty[] {
  if (asked.length === 0) return closed ? [['PrivateDevices', 'b', true]] : [];
  const allowed = asked.map((device) => {
    const end = device.lastIndexOf(':');
    return [device.slice(0, end), device.slice(end + 1)];
  });
  return [
    ['DevicePolicy', 's', 'closed'],
    ['DeviceAllow', 'a(ss)', allowed],
  ];
}
