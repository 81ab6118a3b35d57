/** What a caller is told of an error: ours as they are; of others only an id, under which the log has them. */
import { randomUUID } from 'node:crypto';
import type { StatusObject } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import { toServiceError } from '../grpc-error.ts';

export function callError(error: unknown, log: Logger): StatusObject {
  if (error instanceof CellError) return toServiceError(error);
  const errorId = randomUUID();
  log.error({ err: error, errorId }, 'A call failed for a reason that should not happen');
  const message = `The control plane failed; its log tells why under error id "${errorId}"`;
  return toServiceError(new CellError('CELL_E_INTERNAL', message));
}
