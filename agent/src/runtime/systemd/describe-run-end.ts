import type { Ended } from '../../reconcile/model.ts';
import type { RunNote } from './run-notes.ts';
import type { MainProcess } from './systemd-manager.ts';

const SIGNALLED = 128;
/** Of waitid(2). */
const EXITED = 1;

/** How a run ended, from how its main process did. */
export function describeRunEnd(main: MainProcess, note: Pick<RunNote, 'memoryMaxMib'>): Ended {
  const exitCode = main.code === EXITED ? main.status : SIGNALLED + main.status;
  return { state: 'ended', exitCode, cannotRun: '', message: message(main, note.memoryMaxMib) };
}

/** The exit code can't be known: nobody was there to take note of it. */
export function unknownEnd(message: string): Ended {
  return { state: 'ended', exitCode: undefined, cannotRun: '', message };
}

function message(main: MainProcess, memoryMaxMib: number): string {
  if (main.result === 'oom-kill' || foundOom(main)) {
    return memoryMaxMib > 0
      ? `Was killed for lack of memory: it has limits.memory_max of ${memoryMaxMib} MiB`
      : 'Was killed for lack of memory on this node';
  }
  return '';
}

/** See `asksForOom`: grep(1) ends with 1 if the line "oom_kill 0" is not there. */
function foundOom({ stopPost }: MainProcess): boolean {
  return stopPost?.code === EXITED && stopPost.status === 1;
}
