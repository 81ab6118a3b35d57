import { credentials, Metadata } from '@grpc/grpc-js';
import type { ClientSecurity } from '../client-identity.ts';
import { type CellClient, connectOver, type MembersOptions } from '../connect.ts';

const plainSecurity: ClientSecurity = {
  channel: () => Promise.resolve(credentials.createInsecure()),
  channelOptions: {},
  metadata: () => new Metadata(),
};

/** As `connect`, in plain text and as nobody: for tests against servers in the same process. */
export function connectPlain(options: MembersOptions): CellClient {
  return connectOver(options, plainSecurity);
}
