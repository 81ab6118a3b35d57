/** What makes a machine a member: keys, certificate authorities, and how others get them. */
export { Authority, type AuthorityParts, type Genesis } from './authority.ts';
export { type AuthorityPlaces, authorityPlaces } from './authority-folder.ts';
export { type GenesisToken, type Initialized, type InitializeParts, initialize } from './initialize.ts';
