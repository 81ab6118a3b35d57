import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { CellError } from './cell-error.ts';

/** How long calls that are under way may take to end by themselves. */
const SHUTDOWN_MS_MAX = 500;

/** Has the server listen; services must have been added. `setting` is the key that says where. */
export function bindServer(server: Server, address: string, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(bindError(error, address, setting));
    });
  });
}

function bindError(error: Error, address: string, setting: string): CellError {
  if (!error.message.includes('EADDRINUSE')) {
    return new CellError('CELL_E_CONFIG', `Cannot listen on "${address}" (${setting}): ${error.message}`, {
      cause: error,
    });
  }
  const message = `Cannot listen on "${address}" (${setting}): another process does. Stop it, or change ${setting}`;
  return new CellError('CELL_E_ADDRESS_IN_USE', message, { cause: error });
}

/** Lets calls end for a moment, then cuts them off. */
export function shutdownServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, SHUTDOWN_MS_MAX);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
