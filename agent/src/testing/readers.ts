/** What reads bytes and messages from outside, for those who try to break it. */
export { loadAgentSettings } from '../config/agent-config.ts';
export { IdentityFolder } from '../identity/stored-identity.ts';
export { desiredFromProto, execInputFromProto, execRequestFromProto, logRequestFromProto } from '../link/from-proto.ts';
export { ExportParser } from '../runtime/systemd/journal/export-parser.ts';
export { readStored, writeStored } from '../state/stored-file.ts';
