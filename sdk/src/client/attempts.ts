/** Carries one call out: at one member after the other, until one succeeds or none may follow. */
import { explainedSkew } from '@cell/identity';
import { isWrongConnection, mayTryElsewhere, pauseAsTold, pauseBeforeRound } from './call-policy.ts';
import { CellApiError, toCellApiError, unreachable } from './cell-api-error.ts';
import type { CallOptions } from './service-client.ts';

/** One member gets at most this long, and half of what is left, while others may be asked the same. */
export const ATTEMPT_MS_MAX = 3_000;

/** Only one that is repeatable is done again after it may have begun. */
export type Work<T> = (address: string, timeoutMs: number) => Promise<T>;

export interface Attempts {
  make<T>(repeatable: boolean, options: CallOptions, work: Work<T>): Promise<T>;
  /** The member that is asked next: the one that answered last. */
  readonly address: string;
}

export function makeAttempts(addresses: readonly string[], timeoutMsDefault: number): Attempts {
  let current = 0;
  return {
    async make(repeatable, options, work) {
      const deadlineMs = performance.now() + (options.timeoutMs ?? timeoutMsDefault);
      let failure: CellApiError | undefined;
      let reachedAny = false;
      const attemptsMax = options.attemptsMax ?? Number.POSITIVE_INFINITY;
      for (let made = 0; made < attemptsMax; made += 1) {
        if (made > 0 && made % addresses.length === 0) {
          const pauseMs = pauseBeforeRound(made / addresses.length, reachedAny);
          if (pauseMs === undefined) break;
          await pause(Math.min(pauseMs, deadlineMs - performance.now()), options.signal);
        }
        if (deadlineMs - performance.now() <= 0) break;
        const index = current;
        const address = addresses[index] as string;
        const shared = repeatable && addresses.length > 1;
        try {
          return await askOne({ address, deadlineMs, shared, repeatable, signal: options.signal }, work);
        } catch (error) {
          if (options.signal?.aborted === true) throw error;
          if (!mayTryElsewhere(error as Error, repeatable)) throw error;
          failure = worse(failure, error as CellApiError);
          reachedAny ||= !isUnreachable(failure) && !isWrongConnection(failure);
          // Unless a call beside this one has moved on already.
          if (current === index) current = (index + 1) % addresses.length;
        }
      }
      if (failure === undefined) throw new CellApiError('CELL_E_TIMEOUT', 'The call was given no time', false);
      throw isUnreachable(failure) ? unreachable(addresses, failure) : failure;
    },
    get address() {
      return addresses[current] as string;
    },
  };
}

interface Asking {
  readonly address: string;
  readonly deadlineMs: number;
  /** Others shall have some of the time too. */
  readonly shared: boolean;
  readonly repeatable: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Asks one member, and again when it has said when to. */
async function askOne<T>({ address, deadlineMs, shared, repeatable, signal }: Asking, work: Work<T>): Promise<T> {
  for (let pauses = 0; ; pauses += 1) {
    const leftMs = Math.max(1, deadlineMs - performance.now());
    try {
      return await work(address, shared ? Math.min(leftMs / 2, ATTEMPT_MS_MAX) : leftMs);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const failure = await explained(toCellApiError(error, address), address);
      const pauseMs = pauseAsTold(failure, repeatable, pauses, deadlineMs - performance.now());
      if (pauseMs === undefined) throw failure;
      await pause(pauseMs, signal);
    }
  }
}

/** TLS does not say by how much clocks differ. */
async function explained(failure: Error, address: string): Promise<Error> {
  if (!(failure instanceof CellApiError) || failure.reached) return failure;
  const skew = await explainedSkew(failure, address, Date.now());
  return skew === undefined ? failure : new CellApiError(skew.code, skew.message, false, { cause: failure });
}

/** What tells more: what a member answered before what is wrong with a connection, and that before silence. */
function worse(known: CellApiError | undefined, next: CellApiError): CellApiError {
  if (known === undefined || isUnreachable(known)) return next;
  if (isUnreachable(next)) return known;
  return isWrongConnection(next) ? known : next;
}

function isUnreachable(error: CellApiError): boolean {
  return error.code === 'CELL_E_UNREACHABLE';
}

export function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      Math.max(0, delayMs),
    );
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
