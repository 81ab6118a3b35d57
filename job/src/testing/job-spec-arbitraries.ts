import fc from 'fast-check';
import type {
  Constraint,
  HealthCheck,
  JobSpec,
  JobType,
  PortRequest,
  ResourceRequest,
  RestartPolicy,
} from '../job-spec.ts';
import { arbitraryIsolation } from './isolation-arbitraries.ts';

/** Text with quotes, escapes, control characters and characters outside ASCII, without NUL and lone surrogates. */
const trickyText = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replaceAll('\0', '').replaceAll('CELL_', ''));
const filledText = trickyText.map((text) => `x${text}`);
// Patterns are costly to make: each is made once, and not with each specification.
const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
const namespace = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/);
const path = fc.stringMatching(/^\/[!-~]{0,20}$/);
const environment = fc
  .dictionary(fc.stringMatching(/^[A-BD-Z_][A-Z0-9_]{0,8}$/), trickyText, { maxKeys: 4, noNullPrototype: true })
  .map((record) => Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1))));
const durationMs = fc.oneof(
  fc.integer({ min: 1000, max: 3_600_000 }),
  fc.integer({ min: 1, max: 60 }).map((m) => m * 60_000),
);
const command = fc
  .tuple(filledText, fc.array(trickyText, { maxLength: 3 }))
  .map(([program, rest]) => [program, ...rest]);

const ports: fc.Arbitrary<PortRequest[]> = fc.uniqueArray(
  fc.record({ name, port: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_535 })) }),
  { maxLength: 4, comparator: (one, other) => one.name === other.name || (one.port !== 0 && one.port === other.port) },
);

const attribute = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,20}$/);
const word = fc.stringMatching(/^[A-Za-z0-9 ._"\\-]{1,8}$/);
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.record({ attribute, operator: fc.constantFrom('equal', 'not-equal'), value: word }),
  fc.record({
    attribute,
    operator: fc.constantFrom('in', 'not-in'),
    value: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(',')),
  }),
  fc.record({ attribute, operator: fc.constantFrom('exists', 'not-exists'), value: fc.constant('') }),
  fc.record({
    attribute,
    operator: fc.constantFrom('at-least', 'at-most'),
    value: fc.integer({ min: -9999, max: 9999 }).map((number) => String(number / 10)),
  }),
);

function health(ofPorts: readonly PortRequest[]): fc.Arbitrary<HealthCheck | undefined> {
  const rest = {
    intervalMs: durationMs,
    timeoutMs: fc.integer({ min: 100, max: 600_000 }),
    healthyThreshold: fc.integer({ min: 1, max: 100 }),
    unhealthyThreshold: fc.integer({ min: 1, max: 100 }),
    graceMs: fc.oneof(fc.constant(0), durationMs),
  };
  const none = { port: fc.constant(''), path: fc.constant(''), command: fc.constant([]) };
  const exec = fc.record({ ...none, ...rest, type: fc.constant('exec' as const), command });
  if (ofPorts.length === 0) return fc.option(exec, { nil: undefined });
  const port = fc.constantFrom(...ofPorts.map((each) => each.name));
  const tcp = fc.record({ ...none, ...rest, type: fc.constant('tcp' as const), port });
  const http = fc.record({ ...none, ...rest, type: fc.constant('http' as const), port, path });
  return fc.option(fc.oneof(exec, tcp, http), { nil: undefined });
}

function restart(type: JobType): fc.Arbitrary<RestartPolicy> {
  const modes = type === 'batch' ? (['on-failure', 'never'] as const) : (['always', 'on-failure', 'never'] as const);
  return fc
    .record({
      mode: fc.constantFrom(...modes),
      attempts: fc.integer({ min: 0, max: 1000 }),
      windowMs: durationMs,
      delayMs: durationMs,
      delayMaxMs: durationMs,
    })
    .map((policy) => ({ ...policy, delayMaxMs: Math.max(policy.delayMs, policy.delayMaxMs) }));
}

const resources: fc.Arbitrary<ResourceRequest> = fc.record({
  cpuMillis: fc.integer({ min: 10, max: 1_024_000 }),
  memoryMib: fc.integer({ min: 1, max: 16_777_216 }),
});

/** Specifications of every shape that are right in themselves, for property tests. */
export const arbitraryJobSpec: fc.Arbitrary<JobSpec> = fc
  .tuple(fc.constantFrom<JobType[]>('service', 'batch', 'system'), ports, resources)
  .chain(([type, ofPorts, ofResources]) => {
    const rest = fc.record({
      name,
      namespace,
      type: fc.constant(type),
      count: type === 'system' ? fc.constant(0) : fc.integer({ min: 1, max: 10_000 }),
      command,
      environment,
      workingDirectory: fc.oneof(
        fc.constant(''),
        filledText.map((text) => `/srv/${text}`),
      ),
      resources: fc.constant(ofResources),
      ports: fc.constant(ofPorts),
      constraints: fc.array(constraint, { maxLength: 3 }),
      health: health(ofPorts),
      restart: restart(type),
      onDisconnect: fc.constantFrom('keep' as const, 'stop' as const),
      stop: fc.record({
        signal: fc.constantFrom('SIGTERM', 'SIGKILL', 'SIGWINCH'),
        timeoutMs: fc.oneof(fc.constant(0), durationMs),
      }),
    });
    const isolation = arbitraryIsolation(ofResources, ofPorts.length > 0);
    return fc.tuple(rest, isolation).map(([one, other]) => ({ ...one, ...other }));
  })
  // Records without a prototype would differ from all others.
  .map((spec) => structuredClone(spec) as JobSpec);
