/** Who may do what, how often, and the record of it. */
export { Access } from './access.ts';
export type { RateLimitSettings } from './rate-limits.ts';
