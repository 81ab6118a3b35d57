/** A member of the control plane as a part of another program: what `cellctl dev` starts in its own process. */
export {
  type AuthorityPlaces,
  authorityPlaces,
  type GenesisToken,
  type Initialized,
  type InitializeParts,
  initialize,
} from './authority/index.ts';
export type { MemberConfig } from './config/member-config.ts';
export { type Member, type MemberOptions, startMember } from './start-member.ts';
