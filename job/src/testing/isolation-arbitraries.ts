import fc from 'fast-check';
import type { DirectoryKind, JobSpec, Limits, NetworkAccess, ResourceRequest, Sandbox } from '../job-spec.ts';

type Isolation = Pick<
  JobSpec,
  | 'user'
  | 'dynamicUser'
  | 'sandbox'
  | 'limits'
  | 'network'
  | 'directories'
  | 'credentials'
  | 'secrets'
  | 'environmentFiles'
  | 'devices'
>;

/** How an instance with these resources may be shut off, limited and let have things; right in itself. */
export function arbitraryIsolation(resources: ResourceRequest, hasPorts: boolean): fc.Arbitrary<Isolation> {
  const others = fc.record({
    limits: limits(resources),
    network: network(hasPorts),
    directories: fc.uniqueArray(fc.constantFrom<DirectoryKind[]>('state', 'cache', 'logs')),
    credentials: namesByName(fileName, fileName),
    // Never the name of a credential: those are shorter.
    secrets: namesByName(
      fileName.map((name) => `${name}-as-secret`),
      secretName,
    ),
    environmentFiles: fc.uniqueArray(fileName, { maxLength: 3 }),
    devices: fc
      .uniqueArray(device, { maxLength: 3, selector: ([path]) => path })
      .map((all) => all.map(([path, access]) => `/dev/${path}:${access}`)),
  });
  return fc.tuple(users, others).map(([user, other]) => ({ ...user, ...other }));
}

/** Never a user beside a dynamic one, nor a dynamic one without a sandbox. */
const users: fc.Arbitrary<Pick<JobSpec, 'user' | 'dynamicUser' | 'sandbox'>> = fc.oneof(
  fc.record({
    user: fc.constantFrom('', 'www-data', '_apt'),
    dynamicUser: fc.constant(false),
    sandbox: fc.constantFrom<Sandbox[]>('default', 'strict', 'none'),
  }),
  fc.record({
    user: fc.constant(''),
    dynamicUser: fc.constant(true),
    sandbox: fc.constantFrom<Sandbox[]>('default', 'strict'),
  }),
);

const MEMORY_MIB_MAX = 16_777_216;
const orNone = (limit: fc.Arbitrary<number>) => fc.oneof(fc.constant(0), limit);
const weight = orNone(fc.integer({ min: 1, max: 10_000 }));

/** Never below what is set aside, nor `memory_high` above `memory_max`. */
function limits({ cpuMillis, memoryMib }: ResourceRequest): fc.Arbitrary<Limits> {
  return fc
    .record({
      memoryMaxMib: orNone(fc.integer({ min: memoryMib, max: MEMORY_MIB_MAX })),
      memoryHighMib: orNone(fc.integer({ min: 1, max: MEMORY_MIB_MAX })),
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
    fc.constantFrom('any', 'localhost', 'link-local', 'multicast', '2001:DB8::/32', '::ffff:10.0.0.1'),
    fc.ipV4(),
    fc.ipV6(),
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join('/')),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map((parts) => parts.join('/')),
  ),
  { maxLength: 3 },
);

/** Ports are of no use in a private network, nor are exceptions from nothing. */
function network(hasPorts: boolean): fc.Arbitrary<NetworkAccess> {
  return fc
    .record({ private: hasPorts ? fc.constant(false) : fc.boolean(), deny: addresses, allow: addresses })
    .map((access) => (access.deny.length === 0 ? { ...access, allow: [] } : access));
}

function namesByName(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Record<string, string>> {
  return fc
    .dictionary(key, value, { maxKeys: 3, noNullPrototype: true })
    .map((record) => Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1))));
}

const fileName = fc.stringMatching(/^[a-z0-9@+-][a-z0-9._@+-]{0,10}$/);
const secretName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);
const device = fc.tuple(
  fc.constantFrom('kvm', 'ttyUSB0', 'disk/by-id/usb-0:0-part1'),
  fc.constantFrom('r', 'rw', 'rwm', 'wm'),
);
