/** Why somebody was not let in: in the audit log, where the code of the error says less. */

export const REFUSAL_CAUSES = [
  /** A token that nobody made here, or that was revoked: who guesses must not learn which. */
  'token-unknown',
  /** No token, or one that was copied wrongly. */
  'token-malformed',
  'token-ended',
  'token-used-up',
  /** It is for something else. */
  'token-role',
  'node-revoked',
  /** Another machine has the identity. */
  'identity-taken',
  /** From an authority that is not trusted, or for nobody. */
  'certificate-untrusted',
  'certificate-ended',
  'clock-skew',
] as const;

export type RefusalCause = (typeof REFUSAL_CAUSES)[number];

const PREFIX = 'why/';

/** In the place of what a call was about, which is not known of who was not let in. */
export function refusalSubject(cause: RefusalCause | undefined): string {
  return cause === undefined ? '' : `${PREFIX}${cause}`;
}

export function refusalCauseOf(subject: string): RefusalCause | undefined {
  return REFUSAL_CAUSES.find((cause) => subject === `${PREFIX}${cause}`);
}
