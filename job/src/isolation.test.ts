import { expect, test } from 'vitest';
import { diffSpecs } from './diff-specs.ts';
import { describeIssue } from './issue.ts';
import type { JobSpec } from './job-spec.ts';
import { parseJob } from './parse-job.ts';
import { renderJobFile } from './render-job-file.ts';
import { validateSpec } from './validate-spec.ts';

function parsed(file: Record<string, unknown>): JobSpec | readonly string[] {
  const parsing = parseJob({ name: 'web', command: ['serve'], ...file });
  return 'spec' in parsing ? parsing.spec : parsing.issues.map(describeIssue);
}

function issuesOf(file: Record<string, unknown>): readonly string[] {
  const outcome = parsed(file);
  return Array.isArray(outcome) ? outcome : [];
}

const many = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index));

test('how an instance is shut off, limited and let have things is read from the file', () => {
  const file = {
    sandbox: 'strict',
    dynamic_user: true,
    environment_files: ['web.env', 'more.env'],
    directories: ['state', 'logs'],
    devices: ['/dev/kvm', '/dev/ttyUSB0:r'],
    limits: { memory_max: '1GiB', memory_high: '512MiB', cpu_max: 1.5, cpu_weight: 200, io_weight: 50, tasks_max: 64 },
    network: { deny: ['any'], allow: ['localhost', '10.0.0.0/8'] },
    credentials: { 'tls.key': 'web-tls.key', api: 'token' },
  };
  expect(parsed(file)).toMatchObject({
    sandbox: 'strict',
    dynamicUser: true,
    environmentFiles: ['web.env', 'more.env'],
    directories: ['state', 'logs'],
    devices: ['/dev/kvm:rw', '/dev/ttyUSB0:r'],
    limits: {
      memoryMaxMib: 1024,
      memoryHighMib: 512,
      cpuMaxMillis: 1500,
      cpuWeight: 200,
      ioWeight: 50,
      tasksMax: 64,
      filesMax: 0,
    },
    network: { private: false, deny: ['any'], allow: ['localhost', '10.0.0.0/8'] },
    credentials: { api: 'token', 'tls.key': 'web-tls.key' },
  });
});

test('secrets are read from the file, as names of credentials and of secrets', () => {
  const secrets = { 'db.password': 'database-password', api: 'API_key.2', '.key': 'k', 'key+1@host': 'k' };
  expect(parsed({ namespace: 'team-a', secrets })).toMatchObject({ namespace: 'team-a', secrets });
});

test.each<[Record<string, unknown>, string]>([
  [{ namespace: 'Team' }, 'namespace = "Team": must be 1 to 63 lower-case letters'],
  [{ namespace: '' }, 'namespace = "": must be 1 to 63'],
  [{ namespace: 'x'.repeat(64) }, 'must be 1 to 63'],
  [{ namespace: '.hidden' }, 'with a letter or digit first'],
  [{ secrets: { a: 'team-b/stolen' } }, 'secrets.a = "team-b/stolen": must be the name of a secret'],
  [{ secrets: { a: '' } }, 'must be the name of a secret'],
  [{ secrets: { a: 5 } }, 'must be the name of a secret'],
  [{ secrets: { '..': 'b' } }, 'the name must be 1 to 64'],
  [{ secrets: { 'a/b': 'b' } }, 'the name must be 1 to 64'],
  [{ secrets: Object.fromEntries(many(65, (index) => `s${index}`).map((name) => [name, name])) }, 'at most 64 secrets'],
  [
    { credentials: { tls: 'file' }, secrets: { tls: 'secret' } },
    'secrets.tls = "secret": must be under another name than credentials.tls: both are files in one folder',
  ],
])('%o is refused', (file, message) => {
  expect(issuesOf(file).join('\n')).toContain(message);
});

const conflicts: readonly (readonly [Record<string, unknown>, string])[] = [
  [
    { user: 'www-data', dynamic_user: true },
    'user = "www-data": must be left out beside dynamic_user = true, which makes a user for the instance',
  ],
  [
    { user: 'root', sandbox: 'strict' },
    'user = "root": must be another user, or left out, with sandbox = "strict": what belongs to root can\'t be kept ' +
      'from root',
  ],
  [
    { dynamic_user: true, sandbox: 'none' },
    'dynamic_user = true: must be false or left out with sandbox = "none": a user that is made for the instance comes ' +
      'with a sandbox',
  ],
  [
    { limits: { memory_max: '127MiB' } },
    'limits.memory_max = "127MiB": must be at least resources.memory, "128MiB": what is set aside must be usable',
  ],
  [
    { resources: { memory: '2GiB' }, limits: { memory_max: '1GiB' } },
    'limits.memory_max = "1GiB": must be at least resources.memory, "2GiB": what is set aside must be usable',
  ],
  [
    { limits: { cpu_max: 0.09 } },
    'limits.cpu_max = 0.09: must be at least resources.cpu, 0.1: what is set aside must be usable',
  ],
  [
    { limits: { memory_max: '512MiB', memory_high: '513MiB' } },
    'limits.memory_high = "513MiB": must be at most memory_max, "512MiB"',
  ],
  [
    { network: { allow: ['localhost'] } },
    'network.allow = ["localhost"]: must be left out without network.deny, which it makes exceptions from; to reach ' +
      'nothing else, deny "any"',
  ],
  [
    { network: { private: true }, ports: [{ name: 'http' }] },
    'network.private = true: must be false or left out for a job with ports: nobody would reach them',
  ],
  [
    { devices: ['/dev/kvm', '/dev/fuse', '/dev/kvm:r'] },
    'devices[2] = "/dev/kvm:r": must be of another device than devices[0]; name each once, with all access that it needs',
  ],
];

test.each(conflicts)('%j is refused with one reason', (file, reason) => {
  expect(issuesOf(file)).toEqual([reason]);
});

test.each([
  { user: 'www-data', dynamic_user: false, sandbox: 'none' },
  { user: 'www-data', sandbox: 'strict' },
  { dynamic_user: true, sandbox: 'default' },
  { limits: { memory_max: '128MiB', memory_high: '128MiB', cpu_max: 0.1 } },
  { limits: { memory_high: '1MiB' } },
  { network: { deny: ['any'] } },
  { network: { private: true, deny: ['any'], allow: ['localhost'] } },
  { devices: ['/dev/serial/by-path/pci-0:0', '/dev/serial/by-path/pci-0:1'] },
  { network: { private: false }, ports: [{ name: 'http' }] },
  { devices: [], directories: [], environment_files: [], credentials: {}, limits: {}, network: {} },
])('%j is accepted', (file) => {
  expect(issuesOf(file)).toEqual([]);
});

test('a rule is silent about fields that are refused already', () => {
  expect(issuesOf({ user: 33, dynamic_user: true })).toHaveLength(1);
  expect(issuesOf({ dynamic_user: true, sandbox: 'nope' })).toHaveLength(1);
  expect(issuesOf({ network: { allow: ['any'], deny: ['nowhere'] } })).toHaveLength(1);
  expect(issuesOf({ network: { private: true }, ports: 'http' })).toHaveLength(1);
  expect(issuesOf({ network: { private: true }, ports: [{ name: 'http', port: 99_999 }] })).toHaveLength(2);
  expect(issuesOf({ resources: { memory: '1GB' }, limits: { memory_max: '1MiB' } })).toHaveLength(1);
});

const addresses: readonly (readonly [boolean, string])[] = [
  ...['any', 'localhost', 'link-local', 'multicast'].map((word) => [true, word] as const),
  ...['0.0.0.0', '255.255.255.255', '10.0.0.0/8', '10.1.2.3/32', '0.0.0.0/0'].map((text) => [true, text] as const),
  ...['::', '::1', '1::', '2001:db8::/32', '::/0', 'fe80::1/128', '1:2:3:4:5:6:7:8', 'ABCD:ef::'].map(
    (text) => [true, text] as const,
  ),
  ...['::ffff:10.0.0.1', '1:2:3:4:5:6:10.0.0.1', '64:ff9b::10.0.0.1/96', '1::8', '1:2:3:4:5:6:7::'].map(
    (text) => [true, text] as const,
  ),
  ...['', 'Any', 'everything', 'example.org', '*', '10.0.0', '10.0.0.0.0', '256.0.0.1', '010.0.0.1', '1.2.3.-4'].map(
    (text) => [false, text] as const,
  ),
  ...['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/8/8', '/8', ' 10.0.0.1', '10.0.0.1 '].map(
    (text) => [false, text] as const,
  ),
  ...['localhost/8', ':', ':::', '1:::2', '1::2::3', '::/129', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9'].map(
    (text) => [false, text] as const,
  ),
  ...['1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', '12345::', 'g::', ':1', '1:', '10.0.0.1::', '::1.2.3', '[::1]'].map(
    (text) => [false, text] as const,
  ),
  ...['fe80::1%eth0', '::10.0.0.1:1', '1:2:3:4:5:6:7:10.0.0.1'].map((text) => [false, text] as const),
];

test.each(addresses)('it is %s that addresses may be written as "%s"', (right, address) => {
  expect(issuesOf({ network: { deny: [address] } }).length === 0).toBe(right);
});

test('what people write first instead of an address is told what to write', () => {
  const hints = (deny: unknown) => issuesOf({ network: { deny } }).map((text) => text.split('; ').at(-1));
  expect(hints(['*', 'example.org', '10.0.0.0/99'])).toEqual([
    'did you mean "any"?',
    'names of hosts are not looked up',
    'the prefix of such an address has 0 to 32 bits',
  ]);
  expect(hints('any')).toEqual(['write it in brackets']);
});

const devices: readonly (readonly [string, string | undefined])[] = [
  ['/dev/kvm', '/dev/kvm:rw'],
  ['/dev/kvm:r', '/dev/kvm:r'],
  ['/dev/net/tun:rwm', '/dev/net/tun:rwm'],
  ['/dev/kvm:m', '/dev/kvm:m'],
  ['/dev/disk/by-id/usb-0:0-part1', '/dev/disk/by-id/usb-0:0-part1:rw'],
  ['/dev/serial/by-path/pci-0000:00:14.0:w', '/dev/serial/by-path/pci-0000:00:14.0:w'],
  ['/dev/...', '/dev/...:rw'],
  [`/dev/${'a'.repeat(195)}:rw`, `/dev/${'a'.repeat(195)}:rw`],
  [`/dev/${'a'.repeat(196)}`, undefined],
  ['/dev/kvm:', undefined],
  ['kvm', undefined],
  ['/dev', undefined],
  ['/dev/', undefined],
  ['/dev/../etc/passwd', undefined],
  ['/dev/a/..', undefined],
  ['/dev/./kvm', undefined],
  ['/dev//kvm', undefined],
  ['/dev/kvm/', undefined],
  ['/etc/passwd', undefined],
  ['/device', undefined],
  ['/dev/a b', undefined],
  ['/dev/%h', undefined],
  ['', undefined],
];

test.each(devices)('the device %j is read as %j', (written, device) => {
  const outcome = parsed({ devices: [written] });
  if (device === undefined) expect(outcome).toHaveLength(1);
  else expect(outcome).toMatchObject({ devices: [device] });
});

test.each(['a', 'web.env', 'a..', '-', 'a@b', 'x'.repeat(128)])('the file %j can hold a secret', (name) => {
  expect(issuesOf({ environment_files: [name], credentials: { a: name } })).toEqual([]);
});

test.each(['', '.', '..', '.env', 'a/b', '/a', 'a:b', 'a b', 'a\n', '%h', 'ä', 'x'.repeat(129), 3])(
  'no secret is in the file %j',
  (name) => {
    expect(issuesOf({ environment_files: [name], credentials: { a: name } })).toHaveLength(2);
  },
);

test.each(['.', '..', 'a/b', 'a:b', '', 'x'.repeat(65)])('no credential is called %j', (name) => {
  expect(issuesOf({ credentials: { [name]: 'file' } })).toHaveLength(1);
});

const tooMuch: readonly (readonly [string, Record<string, unknown>])[] = [
  ['environment_files', { environment_files: many(17, (index) => `f${index}`) }],
  ['environment_files[1]', { environment_files: ['a', 'a'] }],
  ['directories[1]', { directories: ['state', 'state'] }],
  ['directories[0]', { directories: ['data'] }],
  ['devices', { devices: many(33, (index) => `/dev/d${index}`) }],
  ['devices[1]', { devices: ['/dev/kvm', '/dev/kvm:rw'] }],
  ['network.deny', { network: { deny: many(65, (index) => `10.0.0.${index}`) } }],
  ['network.allow', { network: { deny: ['any'], allow: many(65, (index) => `10.0.0.${index}`) } }],
  ['credentials', { credentials: Object.fromEntries(many(33, (index) => `c${index}`).map((name) => [name, 'f'])) }],
  ['limits.memory_max', { limits: { memory_max: '17000000MiB' } }],
  ['limits.memory_high', { limits: { memory_high: '0MiB' } }],
  ['limits.cpu_max', { limits: { cpu_max: 1025 } }],
  ['limits.cpu_weight', { limits: { cpu_weight: 0 } }],
  ['limits.cpu_weight', { limits: { cpu_weight: 10_001 } }],
  ['limits.io_weight', { limits: { io_weight: 10_001 } }],
  ['limits.tasks_max', { limits: { tasks_max: 4_194_305 } }],
  ['limits.files_max', { limits: { files_max: 15 } }],
  ['limits.files_max', { limits: { files_max: 1_048_577 } }],
  ['limits.swap_max', { limits: { swap_max: '1GiB' } }],
  ['network.private', { network: { private: 'yes' } }],
  ['sandbox', { sandbox: 'Strict' }],
  ['dynamic_user', { dynamic_user: 'true' }],
  ['credentials', { credentials: ['a'] }],
];

test.each(tooMuch)('a wrong %s is refused, in %j', (path, file) => {
  expect(issuesOf(file).map((issue) => issue.split(' = ')[0])).toEqual([path]);
});

test('what is at the limit is accepted', () => {
  const file = {
    environment_files: many(16, (index) => `f${index}`),
    directories: ['state', 'cache', 'logs'],
    devices: many(32, (index) => `/dev/d${index}`),
    network: { deny: many(64, (index) => `10.0.0.${index}`), allow: many(64, (index) => `10.0.0.${index}`) },
    credentials: Object.fromEntries(many(32, (index) => `c${index}`).map((name) => [name, 'f'])),
    limits: { cpu_weight: 10_000, io_weight: 1, tasks_max: 4_194_304, files_max: 1_048_576, cpu_max: 1024 },
  };
  expect(issuesOf(file)).toEqual([]);
});

test('what comes over the wire is checked alike', () => {
  const spec = parsed({ resources: { memory: '1MiB' } }) as JobSpec;
  const wrong: readonly (readonly [Partial<JobSpec>, string])[] = [
    [{ sandbox: 'unknown (9)' as JobSpec['sandbox'] }, 'sandbox'],
    [{ devices: ['/dev/kvm'] }, 'devices[0]'],
    [{ devices: ['/dev/kvm:wr'] }, 'devices[0]'],
    [{ directories: ['state', 'state'] }, 'directories[1]'],
    [{ environmentFiles: ['../x'] }, 'environment_files[0]'],
    [{ credentials: { 'a/b': 'x' } }, 'credentials."a/b"'],
    [{ credentials: { a: '/x' } }, 'credentials.a'],
    [{ network: { private: false, deny: ['nowhere'], allow: [] } }, 'network.deny[0]'],
    [{ network: { private: false, deny: [], allow: ['any'] } }, 'network.allow'],
    [{ limits: { ...spec.limits, filesMax: 1 } }, 'limits.files_max'],
    [{ limits: { ...spec.limits, cpuWeight: 1.5 } }, 'limits.cpu_weight'],
    [{ user: 'root', dynamicUser: true }, 'user'],
  ];
  for (const [change, path] of wrong) {
    expect(validateSpec({ ...spec, ...change }).map((issue) => describeIssue(issue).split(' = ')[0])).toEqual([path]);
  }
});

const everything = {
  sandbox: 'strict',
  environment_files: ['web.env'],
  directories: ['state'],
  devices: ['/dev/kvm'],
  limits: { memory_max: '1GiB', cpu_max: 1.5, files_max: 1024 },
  network: { deny: ['any'], allow: ['localhost'] },
  credentials: { tls: 'web-tls.key' },
};

test('what is asked for is written back as people write it, and what is not is left out', () => {
  const written = renderJobFile(parsed(everything) as JobSpec);
  const top = written.slice(written.indexOf('on_disconnect'), written.indexOf('[resources]'));
  expect(`${top}…\n${written.slice(written.indexOf('[limits]'))}`).toMatchInlineSnapshot(`
    "on_disconnect = "keep"
    sandbox = "strict"
    dynamic_user = false
    environment_files = ["web.env"]
    directories = ["state"]
    devices = ["/dev/kvm:rw"]

    …
    [limits]
    memory_max = "1GiB"
    cpu_max = 1.5
    files_max = 1024

    [network]
    private = false
    deny = ["any"]
    allow = ["localhost"]

    [credentials]
    tls = "web-tls.key"
    "
  `);
});

test('what changes is named by its key', () => {
  const { limits, ...others } = everything;
  const after = {
    ...others,
    sandbox: 'none',
    limits: { ...limits, memory_max: '2GiB', tasks_max: 9 },
    credentials: {},
  };
  const changes = diffSpecs(parsed(everything) as JobSpec, parsed(after) as JobSpec);
  expect(changes.map(({ path, before, after }) => `${path}: ${before || '-'} -> ${after || '-'}`)).toEqual([
    'sandbox: "strict" -> "none"',
    'limits.memory_max: "1GiB" -> "2GiB"',
    'limits.tasks_max: - -> 9',
    'credentials.tls: "web-tls.key" -> -',
  ]);
});
