import { AgentService, callUnary } from '@cell/proto';
import { type Client, Metadata } from '@grpc/grpc-js';
import { askMembers } from '../identity/ask-members.ts';
import { memberClient } from '../link/member-client.ts';
import type { LinkSecurity } from '../ports.ts';
import type { FetchedSecrets } from './secret-folders.ts';

/** Members to ask: the one that the session is with, else any. */
export interface MembersToAsk {
  readonly client: Client | undefined;
  readonly member: string;
  readonly addresses: readonly string[];
}

const ANSWER_MS_MAX = 5_000;

/** The values of an allocation's secrets, from the first member that has them. Never rejects. */
export async function fetchSecrets(
  { client, member, addresses }: MembersToAsk,
  security: LinkSecurity,
  allocationId: string,
): Promise<FetchedSecrets> {
  const known = client === undefined ? addresses : [member];
  const asked = await askMembers(known, async (address) => {
    const own = client ?? memberClient(address, security);
    try {
      const options = { deadline: Date.now() + ANSWER_MS_MAX };
      const { fetchSecrets: method } = AgentService.method;
      return (await callUnary(own, method, { allocationId }, new Metadata(), options)).values;
    } finally {
      if (client === undefined) own.close();
    }
  });
  if ('given' in asked) return { values: asked.given };
  const { code, message, decided } = asked.refusal;
  return { problem: message, decided: decided || code === 'CELL_E_NOT_FOUND' };
}
