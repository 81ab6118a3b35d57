import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { type Credentials, channelCredentials, channelSecurityOptions, keyProof, subjectUri } from '@cell/identity';
import { AgentService, callUnary } from '@cell/proto';
import { Client, Metadata } from '@grpc/grpc-js';
import type { FleetIdentity } from '../../cluster/harness/fleet-identity.ts';

const JOIN_MS_MAX = 60_000;
/** Joins that are under way at the same time. */
const TOGETHER = 16;

const makeKeyPair = promisify(generateKeyPair);

/** Has nodes join over one connection to a member, as agents do over one each; gives their certificates in order. */
export async function joinNodes(
  address: string,
  identity: Pick<FleetIdentity, 'agentToken' | 'operator'>,
  names: readonly string[],
): Promise<Credentials[]> {
  const channel = channelCredentials({ trust: identity.operator.trust });
  const client = new Client(address, channel, { ...channelSecurityOptions });
  const joined: Credentials[] = [];
  let next = 0;
  const work = async () => {
    for (let place = next++; place < names.length; place = next++) {
      joined[place] = await joinNode(client, identity.agentToken, names[place] as string);
    }
  };
  try {
    await Promise.all(Array.from({ length: TOGETHER }, work));
    return joined;
  } finally {
    client.close();
  }
}

export function simulatedId(name: string): string {
  return `id-${name}`;
}

async function joinNode(client: Client, token: string, nodeName: string): Promise<Credentials> {
  const nodeId = simulatedId(nodeName);
  const { privateKey, publicKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const proof = keyProof(privateKey, key, subjectUri({ kind: 'node', id: nodeId }));
  const request = { token, nodeId, nodeName, publicKey: key, proof };
  const deadline = new Date(Date.now() + JOIN_MS_MAX);
  const { chain } = await callUnary(client, AgentService.method.join, request, new Metadata(), { deadline });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), chain };
}
