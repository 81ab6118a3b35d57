/** What makes a machine a member: keys, certificate authorities, and how others get them. */
export { JoinAnswerer, type JoinAnswerParts } from './answer-join.ts';
export { Authority, type AuthorityParts, type Genesis } from './authority.ts';
export { type AuthorityPlaces, authorityPlaces } from './authority-folder.ts';
export {
  FOUNDING_TOKEN_TTL_MS,
  type GenesisToken,
  type Initialized,
  type InitializeParts,
  initialize,
  prepareInitialization,
} from './initialize.ts';
export { isMember, joiningName, keepMembership } from './keep-membership.ts';
