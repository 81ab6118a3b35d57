import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeIssue } from './issue.ts';
import type { JobSpec } from './job-spec.ts';
import { parseJob } from './parse-job.ts';
import { arbitraryJobSpec } from './testing/job-spec-arbitraries.ts';
import { validateSpec } from './validate-spec.ts';

const base = specOf({
  name: 'web',
  command: ['serve'],
  ports: [{ name: 'http' }, { name: 'admin', port: 9000 }],
  health: { type: 'http', port: 'http' },
});

function specOf(file: unknown): JobSpec {
  const parsing = parseJob(file);
  if ('issues' in parsing) throw new Error(parsing.issues.map((issue) => describeIssue(issue)).join('\n'));
  return parsing.spec;
}

test('every specification that can be made right is accepted', () => {
  fc.assert(
    fc.property(arbitraryJobSpec, (spec) => {
      expect(validateSpec(spec)).toStrictEqual([]);
    }),
  );
});

const health = base.health!;
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));

/** Each is right but for one thing, which must be the only one that is said. */
const wrong: readonly (readonly [string, Partial<JobSpec>, string])[] = [
  ['a name of 64 characters', { name: 'a'.repeat(64) }, 'name'],
  ['a name that ends in "-"', { name: 'web-' }, 'name'],
  ['an empty name', { name: '' }, 'name'],
  ['no instance', { count: 0 }, 'count'],
  ['too many instances', { count: 10_001 }, 'count'],
  ['half an instance', { count: 1.5 }, 'count'],
  ['a count for a system job', { type: 'system', count: 1 }, 'count'],
  ['no command', { command: [] }, 'command'],
  ['a program without a name', { command: ['', 'x'] }, 'command[0]'],
  ['257 arguments', { command: many(257, () => 'x') }, 'command'],
  ['an argument over 32 KiB', { command: ['x', 'y'.repeat(32 * 1024 + 1)] }, 'command[1]'],
  ['an argument over 32 KiB in UTF-8 only', { command: ['x', 'ä'.repeat(16 * 1024 + 1)] }, 'command[1]'],
  ['an argument with NUL', { command: ['x', 'a\0b'] }, 'command[1]'],
  ['more text than fits', { command: ['x', ...many(9, () => 'y'.repeat(32 * 1024))] }, 'command'],
  ['a reference to nothing', { command: ['x', '$'.concat('{CELL_PORT_HTTPS}')] }, 'command[1]'],
  ['257 variables', { environment: Object.fromEntries(many(257, (index) => [`N${index}`, ''])) }, 'environment'],
  ['a variable that begins with a digit', { environment: { '1A': '' } }, 'environment.1A'],
  ["one of Cell's own variables", { environment: { CELL_JOB: '' } }, 'environment.CELL_JOB'],
  ['a variable over 32 KiB', { environment: { A: 'x'.repeat(32 * 1024 + 1) } }, 'environment.A'],
  ['a user with a slash', { user: 'a/b' }, 'user'],
  ['a relative working directory', { workingDirectory: 'sub' }, 'working_directory'],
  ['no memory', { resources: { cpuMillis: 100, memoryMib: 0 } }, 'resources.memory'],
  ['next to no processor', { resources: { cpuMillis: 9, memoryMib: 1 } }, 'resources.cpu'],
  ['33 ports', { ports: many(33, (index) => ({ name: `p${index}`, port: 0 })), health: undefined }, 'ports'],
  ['a port name twice', { ports: [...base.ports, { name: 'http', port: 0 }] }, 'ports[2].name'],
  ['a port number twice', { ports: [...base.ports, { name: 'c', port: 9000 }] }, 'ports[2].port'],
  ['a port above 65535', { ports: [{ name: 'http', port: 65_536 }] }, 'ports[0].port'],
  ['a health check of no port', { health: { ...health, port: 'nope' } }, 'health.port'],
  ['an http check without a path', { health: { ...health, path: '' } }, 'health.path'],
  ['a path without a slash', { health: { ...health, path: 'x' } }, 'health.path'],
  ['a tcp check with a path', { health: { ...health, type: 'tcp' } }, 'health.path'],
  ['an interval of nothing', { health: { ...health, intervalMs: 0 } }, 'health.interval'],
  ['a threshold of 0', { health: { ...health, unhealthyThreshold: 0 } }, 'health.unhealthy_threshold'],
  ['a batch job that never ends', { type: 'batch' }, 'restart.mode'],
  ['a shrinking delay', { restart: { ...base.restart, delayMs: 60_000 } }, 'restart.delay_max'],
  ['an unknown signal', { stop: { ...base.stop, signal: 'SIGNOPE' } }, 'stop.signal'],
  [
    'a constraint without value',
    { constraints: [{ attribute: 'a', operator: 'equal', value: '' }] },
    'constraints[0].value',
  ],
  [
    'an order of words',
    { constraints: [{ attribute: 'a', operator: 'at-least', value: 'x' }] },
    'constraints[0].value',
  ],
  ['a hole in a list', { constraints: [{ attribute: 'a', operator: 'in', value: 'x,,y' }] }, 'constraints[0].value'],
  [
    '33 constraints',
    { constraints: many(33, () => ({ attribute: 'a', operator: 'exists', value: '' })) },
    'constraints',
  ],
];

test.each(wrong)('%s is refused, and nothing else', (_, change, path) => {
  const issues = validateSpec({ ...base, ...change });
  expect(issues.map((issue) => describeIssue(issue).split(/ = | is missing/)[0])).toStrictEqual([path]);
});

test('what is at the limit is accepted', () => {
  const change: Partial<JobSpec> = {
    name: 'a'.repeat(63),
    count: 10_000,
    command: ['x', ...many(7, () => 'y'.repeat(32 * 1024))],
    environment: Object.fromEntries(many(256, (index) => [`N${index}`, ''])),
    ports: many(32, (index) => ({ name: index === 0 ? 'http' : `p${index}`, port: 0 })),
    constraints: many(32, () => ({ attribute: 'a', operator: 'exists', value: '' })),
  };
  expect(validateSpec({ ...base, ...change })).toStrictEqual([]);
});

test('a specification as large as a message can be gets few issues, however long its lists', () => {
  const references = many(300_000, (index) => `\${CELL_${index.toString(36).toUpperCase()}}`).join('');
  const monster: JobSpec = {
    ...base,
    command: ['x', references],
    ports: many(400_000, () => ({ name: 'a', port: 1 })),
    constraints: many(400_000, () => ({ attribute: '', operator: 'in', value: '' })),
  };
  const issues = validateSpec(monster);
  expect(issues.length).toBeLessThan(300);
});
