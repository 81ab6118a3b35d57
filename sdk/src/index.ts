/** What people who drive a fleet from code import. */
export { CellApiError } from './client/cell-api-error.ts';
export { type CellClient, type ConnectOptions, connect } from './client/connect.ts';
export { enumWord, type PlainValue, plainMessage } from './client/plain-message.ts';
export type { CallOptions, ServiceClient } from './client/service-client.ts';
export * from './messages.ts';
