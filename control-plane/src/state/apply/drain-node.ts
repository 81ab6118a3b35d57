import type { NodeDrain } from '../../model/drains.ts';
import type { CommandResult, DrainNode } from '../commands.ts';
import type { Application } from './application.ts';
import { isEmptied } from './finish-drains.ts';

/**
 * The node takes nothing from now on; the planner moves what is there. Drained again, the drain goes on with the new
 * deadline, counted anew, and what is stopping already goes on stopping. Result detail: `unchanged`.
 */
export function drainNode(application: Application, command: DrainNode): CommandResult {
  const { tables, timeMs, index } = application;
  const node = tables.nodes.get(command.id);
  if (node === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no node "${command.id}" any more`);
  const before = node.drain;
  const drain: NodeDrain = {
    startedAtMs: before?.startedAtMs ?? timeMs,
    setIndex: index,
    remainingMs: command.deadlineMs,
    countedAtMs: timeMs,
    keepSystemJobs: command.keepSystemJobs,
    finishedAtMs: undefined,
  };
  // Drained already, and still empty: its drain is over, whatever the deadline.
  if (before?.finishedAtMs !== undefined) {
    if (before.keepSystemJobs === drain.keepSystemJobs) return application.done({ unchanged: true });
    if (isEmptied(tables, node.id, drain)) {
      const finished = { ...before, keepSystemJobs: drain.keepSystemJobs };
      application.putNode({ ...node, drain: finished, modifyIndex: index });
      return application.done({ unchanged: false });
    }
  }
  application.putNode({ ...node, eligible: false, drain, modifyIndex: index });
  application.event('NodeDraining', `node/${node.name}`, announcement(before, command));
  return application.done({ unchanged: false });
}

function announcement(before: NodeDrain | undefined, { deadlineMs, keepSystemJobs }: DrainNode): string {
  const what = before === undefined ? 'It is being drained' : 'Its drain was changed';
  const kept = keepSystemJobs ? '; system jobs stay' : '';
  if (deadlineMs === undefined) return `${what}, for as long as it takes${kept}`;
  if (deadlineMs === 0) return `${what}: all is stopped at once${kept}`;
  return `${what}: what is left in ${Math.ceil(deadlineMs / 1_000)} s is stopped${kept}`;
}
