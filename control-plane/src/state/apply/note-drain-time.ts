import { isDraining } from '../../model/drains.ts';
import type { CommandResult, NoteDrainTime } from '../commands.ts';
import type { Application } from './application.ts';

/** Result detail: `noted`, the number of drains. */
export function noteDrainTime(application: Application, command: NoteDrainTime): CommandResult {
  const { tables, timeMs, index } = application;
  let noted = 0;
  for (const { id, setIndex, remainingMs } of command.drains) {
    const node = tables.nodes.get(id);
    const drain = node?.drain;
    if (node === undefined || drain === undefined || !isDraining(node) || drain.setIndex !== setIndex) continue;
    if (drain.remainingMs === undefined || remainingMs >= drain.remainingMs) continue;
    noted += 1;
    application.putNode({ ...node, drain: { ...drain, remainingMs, countedAtMs: timeMs }, modifyIndex: index });
    if (remainingMs > 0) continue;
    application.event(
      'NodeDraining',
      `node/${node.name}`,
      'The deadline of its drain has passed: what is left is stopped',
    );
  }
  return application.done({ noted });
}
