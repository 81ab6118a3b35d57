/** What people who drive a fleet from code import. */
export * from './client/cell-api-error.ts';
export * from './client/connect.ts';
