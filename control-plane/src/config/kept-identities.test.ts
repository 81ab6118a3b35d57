/** What the settings allow, and what the state keeps for as long: neither may change without the other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { NODE_IDENTITY_KEPT_MS } from '../state/limits.ts';
import { loadMemberConfig } from './member-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'cell-kept-'));
const file = join(folder, 'm.toml');
afterAll(() => rmSync(folder, { recursive: true }));

function certificates(settings: string) {
  writeFileSync(file, `id = 1\ncluster = "demo"\nmembers = ["10.0.0.8"]\n[certificates]\n${settings}\n`);
  return loadMemberConfig({ file }, { hostName: 'm1', addresses: ['10.0.0.8'] }).certificates;
}

test('identities of nodes are kept for longer than any certificate can be used or renewed', () => {
  const { lifetime, renew_expired_within: renewWithin } = certificates(
    'lifetime = "30d"\nrenew_expired_within = "90d"',
  );
  expect(NODE_IDENTITY_KEPT_MS).toBeGreaterThan(lifetime + renewWithin);
  expect(() => certificates('lifetime = "31d"')).toThrow('certificates.lifetime');
  expect(() => certificates('renew_expired_within = "91d"')).toThrow('certificates.renew_expired_within');
});
