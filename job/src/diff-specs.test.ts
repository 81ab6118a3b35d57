import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffSpecs } from './diff-specs.ts';
import type { JobSpec } from './job-spec.ts';
import { parseJob } from './parse-job.ts';
import { arbitraryJobSpec } from './testing/job-spec-arbitraries.ts';

function specOf(file: Record<string, unknown>): JobSpec {
  const parsing = parseJob({ name: 'web', command: ['serve', '--all'], ...file });
  if ('issues' in parsing) throw new Error('the test has a wrong job');
  return parsing.spec;
}

function lines(before: JobSpec | undefined, after: JobSpec): string[] {
  return diffSpecs(before, after).map((change) => `${change.path}: ${change.before || '-'} -> ${change.after || '-'}`);
}

test('changes are named and written as in the job file, in its order', () => {
  const before = specOf({
    count: 2,
    environment: { GONE: '1', LANG: 'C' },
    resources: { memory: '1GiB' },
    ports: [{ name: 'http' }, { name: 'admin' }],
    constraints: [{ attribute: 'os.id', operator: 'in', value: ['debian', 'ubuntu'] }],
  });
  const after = specOf({
    count: 3,
    command: ['serve', '--all', '--fast'],
    environment: { LANG: 'C.UTF-8', NEW: 'a "b"' },
    resources: { memory: '1536MiB', cpu: 0.25 },
    ports: [{ name: 'http', port: 8080 }],
    constraints: [{ attribute: 'os.id', value: 'debian' }],
    health: { type: 'http', interval: '1m' },
    stop: { timeout: '90s' },
  });
  expect(lines(before, after)).toMatchInlineSnapshot(`
    [
      "count: 2 -> 3",
      "command: ["serve", "--all"] -> ["serve", "--all", "--fast"]",
      "environment.LANG: "C" -> "C.UTF-8"",
      "environment.NEW: - -> "a \\"b\\""",
      "environment.GONE: "1" -> -",
      "resources.cpu: 0.1 -> 0.25",
      "resources.memory: "1GiB" -> "1536MiB"",
      "ports[0].port: 0 -> 8080",
      "ports[1].name: "admin" -> -",
      "ports[1].port: 0 -> -",
      "constraints[0].operator: "in" -> "="",
      "constraints[0].value: ["debian", "ubuntu"] -> "debian"",
      "health.type: - -> "http"",
      "health.port: - -> "http"",
      "health.path: - -> "/"",
      "health.interval: - -> "1m"",
      "health.timeout: - -> "3s"",
      "health.healthy_threshold: - -> 1",
      "health.unhealthy_threshold: - -> 3",
      "health.grace: - -> "10s"",
      "stop.timeout: "10s" -> "90s"",
    ]
  `);
});

test('a new job shows what it sets, a system job no count', () => {
  const shown = lines(undefined, specOf({ type: 'system' }));
  expect(shown).toContain('type: - -> "system"');
  expect(shown).toContain('restart.mode: - -> "always"');
  expect(shown.some((line) => line.startsWith('count'))).toBe(false);
});

test('there is no change exactly if the specifications are equal', () => {
  fc.assert(
    fc.property(arbitraryJobSpec, arbitraryJobSpec, fc.constantFrom(...Object.keys(specOf({}))), (one, other, key) => {
      expect(diffSpecs(one, one)).toStrictEqual([]);
      const mixed = { ...one, [key]: other[key as keyof JobSpec] } as JobSpec;
      const same = JSON.stringify(one) === JSON.stringify(mixed);
      expect(diffSpecs(one, mixed).length === 0).toBe(same);
    }),
    { numRuns: 300 },
  );
});
