import { join } from 'node:path';
import { connectPlain } from '@cell/sdk/testing';
import { credentials, Metadata } from '@grpc/grpc-js';
import type { MemberSubstitute } from '../../cluster/harness/fleet.ts';
import type { AgentSecurity } from '../agents/simulated-agent.ts';
import { memberFlags } from '../raft/member-flags.ts';
import { NODE_KEY } from './plain-metadata.ts';

/** Members in plain text, and clients of them. */
export function plainMembers(): MemberSubstitute {
  const launcher = [process.execPath, ...memberFlags(), join(import.meta.dirname, 'plain-member-main.ts')];
  return { launcher, connect: connectPlain };
}

export function plainAgent(nodeId: string): AgentSecurity {
  const metadata = new Metadata();
  metadata.set(NODE_KEY, nodeId);
  return { credentials: credentials.createInsecure(), options: {}, metadata };
}
