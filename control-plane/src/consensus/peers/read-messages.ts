import { CodecError, decodeMessages, type Message } from '@cell/raft';
import { CellError } from '../../cell-error.ts';

/** Raft's messages in a frame that a peer sent. Throws `CELL_E_INVALID`. */
export function readMessages(frame: Uint8Array): Message[] {
  try {
    return decodeMessages(frame);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new CellError('CELL_E_INVALID', `Cannot read Raft's messages: ${error.message}`, { cause: error });
  }
}
