import type { Credentials, Trust } from '@cell/identity';

/** What a member proves itself with now, and whom it trusts. Implemented in `authority/`. */
export interface OwnIdentity {
  readonly own: Credentials;
  readonly trust: Trust;
  /** Calls after one of the two has changed; returns how to stop. */
  onRenewal(listener: () => void): () => void;
}
