import { IdentityError } from '@cell/identity';
import type { ServiceError } from '@grpc/grpc-js';
import { callFailure } from '../link/call-failure.ts';

/** Why no member gave what it was asked for. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** A member has decided: asking again changes nothing until a person has done something. */
  readonly decided: boolean;
  /** Not to be asked again before; 0: whenever. */
  readonly retryAfterMs: number;
}

/** What members refuse for good, as opposed to what they can't do just now. */
const DECIDED = new Set(['CELL_E_UNAUTHENTICATED', 'CELL_E_FORBIDDEN', 'CELL_E_CONFLICT', 'CELL_E_INVALID']);

export type Asked<T> = { readonly given: T } | { readonly refusal: Refusal };

/** Asks one after the other until one gives; else tells what matters most of what went wrong. Never rejects. */
export async function askMembers<T>(
  addresses: readonly string[],
  ask: (address: string) => Promise<T>,
): Promise<Asked<T>> {
  let worst: Refusal = { code: 'CELL_E_UNREACHABLE', message: 'No member is known', decided: false, retryAfterMs: 0 };
  let worstWeight = -1;
  for (const address of addresses) {
    try {
      return { given: await ask(address) };
    } catch (error) {
      const refusal = refusalOf(error as Error, address);
      const weight = weightOf(refusal);
      if (weight > worstWeight) [worst, worstWeight] = [refusal, weight];
    }
  }
  return { refusal: worst };
}

function refusalOf(error: Error, address: string): Refusal {
  if (error instanceof IdentityError) {
    return { code: error.code, message: error.message, decided: false, retryAfterMs: 0 };
  }
  const { code, message, answered, retryAfterMs } = callFailure(error as ServiceError, address);
  if (!answered && code.startsWith('GRPC_')) {
    const text = `Cannot reach the control plane at "${address}": ${message}`;
    return { code: 'CELL_E_UNREACHABLE', message: text, decided: false, retryAfterMs };
  }
  return { code, message, decided: answered && DECIDED.has(code), retryAfterMs };
}

/** A word of a member's counts more than a stranger in its place, and that more than nobody there. */
function weightOf({ code, decided }: Refusal): number {
  if (decided) return 3;
  if (code.startsWith('CELL_E_') && code !== 'CELL_E_UNREACHABLE') return 2;
  return 1;
}
