import type { DrillRow } from '../../model/entities.ts';
import type { CommandResult, WriteMark } from '../commands.ts';
import { DRILL_RANGES_MAX, DRILLS_MAX } from '../limits.ts';
import type { Application } from './application.ts';

type Ranges = DrillRow['ranges'];

/** Writing a mark twice is no error: a writer that got no answer may try again. */
export function writeMark(application: Application, command: WriteMark): CommandResult {
  const { tables, timeMs } = application;
  const drill = tables.drills.get(command.drillId);
  if (drill === undefined) {
    dropOldestDrill(application);
    application.putDrill({
      id: command.drillId,
      startedAtMs: timeMs,
      ranges: [[command.sequence, command.sequence]],
    });
    application.event('DrillStarted', `drill/${command.drillId}`, `Drill "${command.drillId}" wrote its first mark`);
    return application.done();
  }
  const ranges = withMark(drill.ranges, command.sequence);
  if (ranges.length > DRILL_RANGES_MAX) {
    return application.refuse(
      'CELL_E_LIMIT',
      `Drill "${command.drillId}" has marks in more than ${DRILL_RANGES_MAX} separate ranges; write them in order`,
    );
  }
  application.putDrill({ ...drill, ranges });
  return application.done();
}

/** Ordered ranges that don't touch, with one more mark in them. */
function withMark(ranges: Ranges, mark: number): Ranges {
  let after = ranges.length;
  while (after > 0 && (ranges[after - 1]?.[0] ?? 0) > mark) after -= 1;
  const below = ranges[after - 1];
  const above = ranges[after];
  if (below !== undefined && mark <= below[1]) return ranges;
  const joinsBelow = below !== undefined && below[1] + 1 === mark;
  const joinsAbove = above !== undefined && above[0] - 1 === mark;
  const first = joinsBelow ? below[0] : mark;
  const last = joinsAbove ? above[1] : mark;
  return [
    ...ranges.slice(0, joinsBelow ? after - 1 : after),
    [first, last],
    ...ranges.slice(joinsAbove ? after + 1 : after),
  ];
}

function dropOldestDrill({ tables }: Application): void {
  if (tables.drills.size < DRILLS_MAX) return;
  const oldest = [...tables.drills.values()].sort(
    (one, other) => one.startedAtMs - other.startedAtMs || (one.id < other.id ? -1 : 1),
  )[0];
  if (oldest !== undefined) tables.removeDrill(oldest.id);
}
