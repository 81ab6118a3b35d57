/** Who is who in a fleet of one: its person is an admin by a token in a file, its agent joins as any other. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { authorityPlaces, initialize, type MemberConfig } from '@cell/control-plane';
import { CellApiError, type CellClient, Role } from '@cell/sdk';
import { readSmallFile, writePrivateFile } from '../../connection/private-file.ts';
import type { Clock } from '../../world.ts';

const TOKEN_BYTES_MAX = 4_096;
const JOIN_TTL_SECONDS = 600n;
const POLL_MS = 50;
const READY_MS_MAX = 30_000;

export function tokenFile(folder: string): string {
  return join(folder, 'admin-token');
}

/** Makes the cluster's authority at the first start. Gives the token of the person. */
export async function identifyDev(folder: string, config: MemberConfig, clock: Clock): Promise<string> {
  const file = tokenFile(folder);
  if (!existsSync(file)) {
    const { id, cluster, data } = config;
    const made = await initialize({ ...authorityPlaces(data), cluster, memberId: id, memberIds: [id], clock });
    writePrivateFile(file, `${made.adminToken}\n`);
  }
  return readSmallFile(file, 'the token', TOKEN_BYTES_MAX).trim();
}

/** A token for the agent, which it needs only at its first start. Waits until the control plane takes changes. */
export async function devJoinToken(client: CellClient, clock: Clock, signal: AbortSignal): Promise<string> {
  const untilMs = clock.monotonicMs() + READY_MS_MAX;
  const name = `dev-agent-${clock.wallMs()}`;
  for (;;) {
    try {
      const request = { name, role: Role.AGENT, ttlSeconds: JOIN_TTL_SECONDS, uses: 1 };
      return (await client.identity.createToken(request, { signal })).text;
    } catch (error) {
      // Until the member leads and knows itself who its people are.
      if (!(error instanceof CellApiError) || clock.monotonicMs() > untilMs) throw error;
    }
    await clock.sleep(POLL_MS, signal);
  }
}
