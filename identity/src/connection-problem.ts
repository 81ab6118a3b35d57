import { IdentityError, type IdentityErrorCode } from './identity-error.ts';

interface Problem {
  /** In what Node (with OpenSSL) and grpc-js say: an error's code, or words of its message. */
  readonly said: RegExp;
  readonly code: IdentityErrorCode;
  /** What follows the address. */
  readonly text: string;
}

/** The first that fits counts: what the other side says of our certificate has words of what we say of its. */
const PROBLEMS: readonly Problem[] = [
  {
    said: /alert certificate required|TLSV13_ALERT_CERTIFICATE_REQUIRED/i,
    code: 'CELL_E_CERTIFICATE_REFUSED',
    text: 'wants a certificate, and none was shown. Is this the port for members (7601) in the place of 7600?',
  },
  {
    said: /alert (unknown ca|bad certificate|certificate (expired|revoked|unknown)|access denied|decrypt error)|ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_)/i,
    code: 'CELL_E_CERTIFICATE_REFUSED',
    text: 'refuses the certificate of this side. Is this clock right (timedatectl)? Else join or log in anew, with a new token',
  },
  {
    said: /certificate has expired|CERT_HAS_EXPIRED/i,
    code: 'CELL_E_CERTIFICATE_EXPIRED',
    text: 'has a certificate that has ended. If this clock is right (timedatectl), look at that member; it renews its certificate itself',
  },
  {
    said: /certificate is not yet valid|CERT_NOT_YET_VALID/i,
    code: 'CELL_E_CLOCK_SKEW',
    text: 'has a certificate that begins later: the clocks differ by more than 5 minutes. Set this clock right (timedatectl)',
  },
  {
    said: /unsuitable certificate purpose|INVALID_PURPOSE|IdentityError: Called/i,
    code: 'CELL_E_WRONG_PEER',
    text: 'is not the member that was called, but somebody else with a certificate. Check the address',
  },
  {
    said: /self-signed certificate|SELF_SIGNED_CERT|unable to (verify the first|get (local )?issuer) certificate|UNABLE_TO_(VERIFY|GET)|certificate signature failure|CERT_(SIGNATURE_FAILURE|UNTRUSTED|CHAIN_TOO_LONG)/i,
    code: 'CELL_E_UNTRUSTED',
    text: 'is not of the cluster that is trusted here: its certificate is from another authority. Check the address; if all authorities were replaced since this was last connected, join or log in anew, with a new token',
  },
  {
    said: /wrong version number|WRONG_VERSION_NUMBER|unsupported protocol|alert protocol version|UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|alert no application protocol|packet length too long/i,
    code: 'CELL_E_UNTRUSTED',
    text: 'does not speak TLS 1.3 as members do. Check the address and the port; is something in between?',
  },
];

/** Longer text of errors is not searched. */
const TEXT_LENGTH_MAX = 2_000;
const CAUSES_MAX = 5;

/**
 * What a failed connection says about who is who, with what to do next; undefined if it is about anything else, such as
 * that nobody answers. `error`: of node:tls, or of a call of grpc-js. `address`: "host:port" that was called.
 */
export function connectionProblem(error: unknown, address: string): IdentityError | undefined {
  const told = textOf(error);
  const inner = innerProblem(error);
  if (inner !== undefined) return inner;
  const problem = PROBLEMS.find(({ said }) => said.test(told));
  if (problem === undefined) return undefined;
  const { code, text } = problem;
  return new IdentityError(code, `What answers at "${address}" ${text}`, { cause: error });
}

/** Our own check of the other side, where the error came through as it is. */
function innerProblem(error: unknown): IdentityError | undefined {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX; depth += 1) {
    if (current instanceof IdentityError) return current;
    current = (current as { cause?: unknown } | undefined)?.cause;
  }
  return undefined;
}

function textOf(error: unknown): string {
  const { code, message, details } = (error ?? {}) as { code?: unknown; message?: unknown; details?: unknown };
  return [code, details, message]
    .filter((each) => typeof each === 'string')
    .join(' ')
    .slice(0, TEXT_LENGTH_MAX);
}
