import { ChannelCredentials } from '@grpc/grpc-js';
import type { LinkSecurity } from '../../ports.ts';

/** For members in the same process that talk in clear text. */
export const plainSecurity: LinkSecurity = { credentials: () => ChannelCredentials.createInsecure() };
