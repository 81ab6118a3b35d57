/** Who may read over HTTP what daemons say of the fleet. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFleet } from '../harness/test-fleet.ts';

const TOKEN = 'a-token-of-the-prometheus-next-door';

/** A file of which the daemons know. */
function tokenFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cell-http-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, `${TOKEN}\n`);
  chmodSync(file, 0o600);
  return file;
}

async function statusOf(address: string, path: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://${address}${path}`, { headers, signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (answer.status === 403) expect(text).toMatch(/^Not allowed from "127.0.0.1": .*"allow" of \[http\]/);
  return answer.status;
}

test('metrics and the list of daemons are for those who are allowed, and health for all', async () => {
  const settings = `[http]\nallow = ["192.0.2.1"]\ntoken_file = "${tokenFile()}"\n`;
  const fleet = await testFleet({ members: 1, agents: 1, memberSettings: settings, agentSettings: settings });
  const { httpAddress: member } = fleet.member(1);
  const { httpAddress: agent } = fleet.agent(1);
  for (const [address, path] of [
    [member, '/metrics'],
    [member, '/v1/sd'],
    [agent, '/metrics'],
  ] as const) {
    expect([path, await statusOf(address, path)]).toEqual([path, 403]);
    expect([path, await statusOf(address, path, `${TOKEN}x`)]).toEqual([path, 403]);
    expect([path, await statusOf(address, path, TOKEN)]).toEqual([path, 200]);
  }
  for (const address of [member, agent]) {
    expect(await statusOf(address, '/livez')).toBe(200);
    expect(await statusOf(address, '/readyz')).toBe(200);
  }
});
