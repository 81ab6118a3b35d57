import fc from 'fast-check';
import type {
  Constraint,
  HealthCheck,
  JobSpec,
  JobType,
  Limits,
  NetworkAccess,
  PortRequest,
  ResourceRequest,
  RestartPolicy,
} from '../job-spec.ts';

/** Text with quotes, escapes, control characters and characters outside ASCII, without NUL and lone surrogates. */
const trickyText = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replaceAll('\0', '').replaceAll('CELL_', ''));
const filledText = trickyText.map((text) => `x${text}`);
const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
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
  const path = fc.stringMatching(/^\/[!-~]{0,20}$/);
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

const memoryMib = fc.integer({ min: 1, max: 16_777_216 });
const orNone = (limit: fc.Arbitrary<number>) => fc.oneof(fc.constant(0), limit);
const weight = orNone(fc.integer({ min: 1, max: 10_000 }));

/** A limit is never below what is set aside, nor `memory_high` above `memory_max`. */
function limits({ cpuMillis, memoryMib }: ResourceRequest): fc.Arbitrary<Limits> {
  return fc
    .record({
      memoryMaxMib: orNone(fc.integer({ min: memoryMib, max: 16_777_216 })),
      memoryHighMib: orNone(fc.integer({ min: 1, max: 16_777_216 })),
      cpuMaxMillis: orNone(fc.integer({ min: cpuMillis, max: 1_024_000 })),
      cpuWeight: weight,
      ioWeight: weight,
      tasksMax: orNone(fc.integer({ min: 1, max: 4_194_304 })),
      filesMax: orNone(fc.integer({ min: 16, max: 1_048_576 })),
    })
    .map((all) => ({ ...all, memoryHighMib: Math.min(all.memoryHighMib, all.memoryMaxMib || all.memoryHighMib) }));
}

const addresses = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom('any', 'localhost', 'link-local', 'multicast', '::1', '2001:db8::/32', '::ffff:10.0.0.1'),
    fc.ipV4(),
    fc.ipV4Extended().filter((address) => /^(\d{1,3}\.){3}\d{1,3}$/.test(address) && !/(^|\.)0\d/.test(address)),
    fc.ipV6().filter((address) => !/[A-Z]/.test(address)),
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join('/')),
  ),
  { maxLength: 3 },
);
const fileName = fc.stringMatching(/^[a-z0-9_@+-][a-z0-9._@+-]{0,10}$/);
const device = fc.tuple(
  fc.constantFrom('kvm', 'ttyUSB0', 'disk/by-id/usb-0:0-part1'),
  fc.constantFrom('r', 'rw', 'rwm', 'wm'),
);

function network(hasPorts: boolean): fc.Arbitrary<NetworkAccess> {
  return fc
    .record({ private: hasPorts ? fc.constant(false) : fc.boolean(), deny: addresses, allow: addresses })
    .map((access) => (access.deny.length === 0 ? { ...access, allow: [] } : access));
}

/** Never a user beside a dynamic one, nor a dynamic one without a sandbox. */
const users: fc.Arbitrary<Pick<JobSpec, 'user' | 'dynamicUser' | 'sandbox'>> = fc.oneof(
  fc.record({
    user: fc.constantFrom('', 'www-data', '_apt'),
    dynamicUser: fc.constant(false),
    sandbox: fc.constantFrom('default' as const, 'strict' as const, 'none' as const),
  }),
  fc.record({
    user: fc.constant(''),
    dynamicUser: fc.constant(true),
    sandbox: fc.constantFrom('default' as const, 'strict' as const),
  }),
);

const resources: fc.Arbitrary<ResourceRequest> = fc.record({
  cpuMillis: fc.integer({ min: 10, max: 1_024_000 }),
  memoryMib,
});

/** Specifications of every shape that are right in themselves, for property tests. */
export const arbitraryJobSpec: fc.Arbitrary<JobSpec> = fc
  .tuple(fc.constantFrom<JobType[]>('service', 'batch', 'system'), ports, resources, users)
  .chain(([type, ofPorts, ofResources, ofUsers]) =>
    fc.record({
      name,
      type: fc.constant(type),
      count: type === 'system' ? fc.constant(0) : fc.integer({ min: 1, max: 10_000 }),
      command,
      environment: fc
        .dictionary(fc.stringMatching(/^[A-BD-Z_][A-Z0-9_]{0,8}$/), trickyText, { maxKeys: 4, noNullPrototype: true })
        .map((record) => Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)))),
      user: fc.constant(ofUsers.user),
      dynamicUser: fc.constant(ofUsers.dynamicUser),
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
      sandbox: fc.constant(ofUsers.sandbox),
      limits: limits(ofResources),
      network: network(ofPorts.length > 0),
      directories: fc.uniqueArray(fc.constantFrom('state' as const, 'cache' as const, 'logs' as const)),
      credentials: fc
        .dictionary(fileName, fileName, { maxKeys: 3, noNullPrototype: true })
        .map((record) => Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)))),
      environmentFiles: fc.uniqueArray(fileName, { maxLength: 3 }),
      devices: fc
        .uniqueArray(device, { maxLength: 3, selector: ([path]) => path })
        .map((all) => all.map(([path, access]) => `/dev/${path}:${access}`)),
    }),
  )
  // Records without a prototype would differ from all others.
  .map((spec) => structuredClone(spec) as JobSpec);
