/** Members in plain text, whose callers are believed: what measurements compare with. */
export { openGuard } from '../access/testing/open-guard.ts';
export { loadMemberConfig } from '../config/member-config.ts';
export { believingGuard } from '../consensus/testing/believing-guard.ts';
export { plainTransport } from '../listen/testing/plain-transport.ts';
