import type { Server } from '@grpc/grpc-js';

/** How long calls that are under way may take to end by themselves. */
const SHUTDOWN_MS_MAX = 500;

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
