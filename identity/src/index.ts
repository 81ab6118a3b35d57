/** Who is who, for both sides of a connection: tokens, whom certificates name, and what a client trusts. */
export {
  beginsLaterText,
  CERTIFICATE_BEGINS_BEFORE_MS,
  CLOCK_SKEW_MS_MAX,
  clockProblem,
  withoutTimes,
} from './clock-skew.ts';
export { connectionProblem } from './connection-problem.ts';
export {
  type ChannelSecurity,
  type Credentials,
  channelCredentials,
  channelSecurityOptions,
  checkMember,
  pinOf,
  SERVER_NAME,
  TLS_VERSION,
  type Trust,
} from './credentials.ts';
export { checkPinned, explainedSkew, fetchTrust } from './fetch-trust.ts';
export { IdentityError, type IdentityErrorCode } from './identity-error.ts';
export { keyProof, provenKey } from './key-proof.ts';
export { parseSubject, type Subject, subjectOf, subjectText, subjectUri } from './subject.ts';
export { makeToken, parseToken, secretHash, type Token, type TokenPurpose, tokenText } from './token.ts';
