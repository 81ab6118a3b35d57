import { connectionProblem } from '@cell/identity';
import { type ServiceError, status } from '@grpc/grpc-js';

/** Why a call to the peer at `address` got no answer, without what grpc-js puts around what a person looks for. */
export function failureReason(error: Partial<ServiceError>, address: string): string {
  if (error.code === status.DEADLINE_EXCEEDED) return 'it did not answer in time';
  const text = error.details || error.message || '';
  const reason = /Last error: (?:Error: )?(.+?)\.? *Resolution note:/.exec(text)?.[1] ?? text;
  // Our own check of who answers says which member it is.
  if (reason.startsWith(OWN)) return reason.slice(OWN.length);
  return connectionProblem(error, address)?.message ?? reason;
}

const OWN = 'IdentityError: ';
