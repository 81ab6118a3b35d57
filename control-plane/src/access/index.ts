/** Who may do what, how often, and the record of it. */
export { Access, type AccessParts } from './access.ts';
export { DEFAULT_RATE_LIMITS, type RateLimitSettings } from './rate-limits.ts';
