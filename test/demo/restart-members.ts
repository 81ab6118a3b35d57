import { setTimeout } from 'node:timers/promises';
import type { Fleet, Member } from '../cluster/harness/fleet.ts';

const LOOK_PERIOD_MS = 50;
/** As systemd would with RestartSec=500ms. */
const RESTART_DELAY_MS = 500;

/** Plays the service manager of the members' machines: starts again what has ended. Resolves once `signal` is aborted. */
export async function restartMembers(
  fleet: Fleet,
  signal: AbortSignal,
  onRestart: (member: Member) => void,
): Promise<void> {
  while (!signal.aborted) {
    for (const member of fleet.members.filter((each) => !each.running)) {
      await pause(RESTART_DELAY_MS, signal);
      if (signal.aborted) return;
      member.start();
      onRestart(member);
    }
    await pause(LOOK_PERIOD_MS, signal);
  }
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(durationMs, undefined, { signal }).catch(() => undefined);
}
