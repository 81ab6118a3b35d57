import { CellError } from '../cell-error.ts';

/** Why a member can't listen at an address; `setting` is the key that says where. */
export function listenError(error: Error, address: string, setting: string): CellError {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE' && !error.message.includes('EADDRINUSE')) {
    return new CellError('CELL_E_CONFIG', `Cannot listen on "${address}" (${setting}): ${error.message}`, {
      cause: error,
    });
  }
  const message = `Cannot listen on "${address}" (${setting}): another process does. Stop it, or change ${setting}`;
  return new CellError('CELL_E_ADDRESS_IN_USE', message, { cause: error });
}
