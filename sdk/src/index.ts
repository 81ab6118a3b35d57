/** What people who drive a fleet from code import. */
export { CellApiError } from './client/cell-api-error.ts';
export type { Identity } from './client/client-identity.ts';
export type { CommandStream } from './client/command-stream.ts';
export { type CellClient, type ConnectOptions, connect, type MembersOptions } from './client/connect.ts';
export { enumWord, type PlainValue, plainMessage } from './client/plain-message.ts';
export { type IssuedIdentity, requestCertificate } from './client/request-certificate.ts';
export type { CallOptions, ServiceClient } from './client/service-client.ts';
export { silenceTransport } from './client/silence-transport.ts';
export { verifyAuditLog } from './client/verify-audit-log.ts';
export type { DrillClock } from './drill/drill-clock.ts';
export type { DrillMode, DrillReport } from './drill/drill-observations.ts';
export { runFailoverDrill } from './drill/run-failover-drill.ts';
export {
  JOB_FILE_BYTES_MAX,
  type JobFileParsing,
  type JobFileProblem,
  parseJobFile,
} from './job-file/parse-job-file.ts';
export * from './messages.ts';
