/** What the machine lacks: for a run at all, or for single faults. */
import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { fakeClockLibrary } from '../cluster/harness/fake-clock.ts';
import type { FaultKind } from './faults/fault.ts';
import { succeeds } from './system-command.ts';

const TRIAL = `cellnem-trial-${process.pid}`;

/** Why there can be no run; undefined if there can. */
export function whyNoNemesis(): string | undefined {
  if (platform() !== 'linux') return 'Network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'Making network namespaces takes root';
  if (!succeeds('ip', ['-Version'])) return 'Needs "ip", of Debian\'s package "iproute2"';
  const made = succeeds('ip', ['netns', 'add', TRIAL]);
  const linked =
    made && succeeds('ip', ['-netns', TRIAL, 'link', 'add', 'trial', 'type', 'veth', 'peer', 'name', 'other']);
  const ruled = linked && succeeds('ip', ['-netns', TRIAL, 'rule', 'add', 'from', '127.0.0.2', 'blackhole']);
  if (made) succeeds('ip', ['netns', 'delete', TRIAL]);
  return ruled ? undefined : 'This machine does not let network namespaces, links and rules be made';
}

/** Faults that can't be done here, each with the reason. */
export function undoableFaults(): ReadonlyMap<FaultKind, string> {
  const undoable = new Map<FaultKind, string>();
  if (!succeeds('tc', ['-Version'])) undoable.set('slow', 'needs "tc", of Debian\'s package "iproute2"');
  if (fakeClockLibrary() === undefined) undoable.set('clock', 'needs Debian\'s package "faketime"');
  if (!existsSync('/dev/loop-control')) undoable.set('disk', 'needs loop devices');
  else if (!succeeds('mkfs.ext4', ['-V'])) undoable.set('disk', 'needs "mkfs.ext4", of Debian\'s package "e2fsprogs"');
  return undoable;
}
