import { RaftError } from '@cell/raft';
import { CellError } from '../cell-error.ts';

/** What a failed proposal means to the one who made it. */
export function proposalError(error: unknown): CellError {
  if (error instanceof CellError) return error;
  if (!(error instanceof RaftError)) return new CellError('CELL_E_INTERNAL', String(error), { cause: error });
  switch (error.code) {
    case 'not-leader':
      return new CellError('CELL_E_NOT_LEADER', error.message, { cause: error });
    case 'overloaded':
      return new CellError('CELL_E_OVERLOADED', `Too much is waiting to be written: ${error.message}`, {
        cause: error,
      });
    case 'disk-full':
      return new CellError('CELL_E_DISK_FULL', `${error.message}; nothing was written`, { cause: error });
    case 'change-pending':
      return new CellError('CELL_E_CONFLICT', `${error.message}; try again when it is done`, { cause: error });
    case 'outcome-unknown':
    case 'stopped':
    case 'timeout':
      return outcomeUnknown(error.message, error);
  }
}

export function outcomeUnknown(why: string, cause?: unknown): CellError {
  const message = `Change may or may not have been written: ${why}. Look before you try again`;
  return new CellError('CELL_E_OUTCOME_UNKNOWN', message, { cause });
}

export function noLeader(waitedMs: number, cause?: unknown): CellError {
  const message =
    `No leader for ${Math.round(waitedMs)} ms, nothing was done. See with "cellctl control-plane status" whether a majority of ` +
    'members runs and reaches each other';
  return new CellError('CELL_E_NO_LEADER', message, { cause });
}
