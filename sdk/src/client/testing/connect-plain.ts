import { plainSecurity } from '../client-identity.ts';
import { type CellClient, connectOver, type MembersOptions } from '../connect.ts';

/** As `connect`, in plain text and as nobody: for tests against servers in the same process. */
export function connectPlain(options: MembersOptions): CellClient {
  return connectOver(options, plainSecurity);
}
