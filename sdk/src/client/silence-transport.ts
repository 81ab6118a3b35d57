import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

/**
 * gRPC writes words of its own to standard error. What matters of them is in the errors that calls reject with, so a
 * program that reports these calls this once.
 */
export function silenceTransport(): void {
  setLogVerbosity(logVerbosity.NONE);
}
