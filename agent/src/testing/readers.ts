/** What reads bytes and messages from outside, for those who try to break it. */
export { loadAgentSettings } from '../config/agent-config.ts';
export { serveHttp } from '../http/serve-http.ts';
export { IdentityFolder } from '../identity/stored-identity.ts';
export { desiredFromProto, execInputFromProto, execRequestFromProto, logRequestFromProto } from '../link/from-proto.ts';
export { dropDoubled } from '../runtime/systemd/journal/drop-doubled.ts';
export { ExportParser } from '../runtime/systemd/journal/export-parser.ts';
export { readJournal } from '../runtime/systemd/journal/read-journal.ts';
export { readStored, writeStored } from '../state/stored-file.ts';
