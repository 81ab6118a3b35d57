import { resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { changelogFile, readRelease } from './release.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a changelog has version and time in the form of Debian', () => {
  expect(changelogFile({ version: '1.2.3', timeS: 1_700_000_000 })).toBe(`cell (1.2.3) stable; urgency=medium

  * Release 1.2.3.

 -- The Cell maintainers <maintainers@cell.invalid>  Tue, 14 Nov 2023 22:13:20 +0000
`);
});

test('a release has the version of package.json unless one is given, and the time that the environment says', () => {
  vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
  expect(readRelease(ROOT)).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), timeS: 1_700_000_000 });
  expect(readRelease(ROOT, '2.0.0~rc1').version).toBe('2.0.0~rc1');
});

test.each(['1.2', '1.2.3-1', 'v1.2.3', '1.2.3 '])('the version "%s" is refused', (version) => {
  expect(() => readRelease(ROOT, version)).toThrow(`Cannot name packages by version "${version}"`);
});

test.each(['', 'yesterday'])('the time "%s" is refused', (time) => {
  vi.stubEnv('SOURCE_DATE_EPOCH', time);
  expect(() => readRelease(ROOT)).toThrow('Cannot read SOURCE_DATE_EPOCH');
});
