/** Who a client is, and whom it takes for the control plane. */
import { X509Certificate } from 'node:crypto';
import {
  type Credentials,
  channelCredentials,
  channelSecurityOptions,
  fetchTrust,
  IdentityError,
  parseToken,
  type Trust,
} from '@cell/identity';
import { type ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { CellApiError } from './cell-api-error.ts';

/** Either a token or a certificate; with both, the control plane goes by the token. */
export interface Identity {
  /** The text of a token for people and programs ("cellkey_…"). It goes to proven members only. */
  readonly token?: string | undefined;
  /** Certificates of authorities, PEM. Not given: those that the token pins are fetched before the first call. */
  readonly trust?: Trust | undefined;
  /** PEM. */
  readonly credentials?: Credentials | undefined;
}

/** What makes connections secure, once it is known whom to trust. */
export interface ClientSecurity {
  /** Rejects with `CellApiError`; the next call then tries anew, maybe at another address. */
  channel(address: string, timeoutMs: number): Promise<ChannelCredentials>;
  readonly channelOptions: Readonly<Record<string, string>>;
  /** Of each call; one of its own, since the transport adds to it. */
  metadata(): Metadata;
}

/** Throws `CellApiError` `CELL_E_TOKEN_MALFORMED` or `CELL_E_INVALID`, without what it was given. */
export function clientSecurity({ token, trust, credentials }: Identity): ClientSecurity {
  const parsed = token === undefined ? undefined : orApiError(() => parseToken(token, 'access'));
  if (parsed === undefined && (trust === undefined || trust.length === 0)) {
    const message = 'Nothing says which control plane to trust: give a token, or the certificate of its authority';
    throw new CellApiError('CELL_E_INVALID', message, false);
  }
  const authorization = token === undefined ? undefined : `Bearer ${token.trim()}`;
  const made = (trusted: Trust) =>
    orApiError(() => {
      // Node takes what is no certificate without a word, and then trusts nobody.
      for (const certificate of trusted) new X509Certificate(certificate);
      return channelCredentials({ trust: trusted, credentials });
    });
  let pending = trust === undefined || trust.length === 0 ? undefined : Promise.resolve(made(trust));
  return {
    channel(address, timeoutMs) {
      pending ??= fetchTrust(address, parsed!.pin, timeoutMs, Date.now())
        .then(made)
        .catch((error: unknown) => {
          pending = undefined;
          throw asApiError(error);
        });
      return pending;
    },
    channelOptions: channelSecurityOptions,
    metadata() {
      const metadata = new Metadata();
      if (authorization !== undefined) metadata.set('authorization', authorization);
      return metadata;
    },
  };
}

function orApiError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asApiError(error);
  }
}

function asApiError(error: unknown): CellApiError {
  if (error instanceof CellApiError) return error;
  if (error instanceof IdentityError) return new CellApiError(error.code, error.message, false, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The certificates or the key to connect with can't be used: ${reason}`;
  return new CellApiError('CELL_E_INVALID', message, false, { cause: error });
}
