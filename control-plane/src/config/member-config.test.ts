import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadMemberConfig } from './member-config.ts';

const members = [1, 2]
  .map(
    (id) =>
      `[[members]]\nid = ${id}\ngrpc = "127.0.0.1:76${id}0"\npeers = "127.0.0.1:76${id}1"\nhttp = "127.0.0.1:76${id}2"\n`,
  )
  .join('');
const listen = '[listen]\ngrpc = "127.0.0.1:7610"\npeers = "127.0.0.1:7611"\nhttp = "127.0.0.1:7612"\n';
const good = `id = 1\ncluster = "demo"\n${listen}${members}`;

const machine = { hostName: 'cp2.example.org', addresses: ['127.0.0.1', '::1', '10.0.0.2', 'fd00::2', 'fe80::2'] };
const folder = mkdtempSync(join(tmpdir(), 'cell-config-'));
const file = join(folder, 'm.toml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(source: string) {
  writeFileSync(file, source);
  return loadMemberConfig({ file }, machine);
}

function problemOf(source: string): string {
  try {
    load(source);
  } catch (error) {
    return (error as Error).message.replace(file, 'm.toml');
  }
  return 'no problem';
}

test('what the file leaves out has the documented defaults', () => {
  expect(load(good)).toMatchObject({
    data: '/var/lib/cell/control-plane',
    raft: { heartbeat: 50, election: 400, lease_reads: false },
    leases: { duration: 10_000, heartbeat: 3000, margin: 2000 },
    log: { level: 'info' },
  });
});

test.each([
  [
    good.replace('id = 1\n', 'id = 3\n'),
    'm.toml:1: Key "id" has the value "3". It must be the id of one of "members", which are 1, 2',
  ],
  [
    good.replace('id = 2\n', 'id = 1\n'),
    'm.toml:13: Key "members[1].id" has the value "1". It must differ from members[0].id, which has it too',
  ],
  [
    good.replace('7620', '7611'),
    'm.toml:14: Key "members[1].grpc" has the value "127.0.0.1:7611". It must differ from members[0].peers, which has it too',
  ],
  [
    good.replace('7611', '7699'),
    'm.toml:5: Key "listen.peers" has the value "127.0.0.1:7699". Its port must be that of members[0].peers, "127.0.0.1:7611"',
  ],
  [
    `${good}[raft]\nelection = "150ms"\n`,
    'm.toml:18: Key "raft.election" is 150 ms. It must be at least 4 times raft.heartbeat (50 ms)',
  ],
  [
    `${good}[leases]\nduration = "5s"\n`,
    'm.toml:18: Key "leases.duration" is 5000 ms. It must be at least 9000 ms: leases.heartbeat (3000 ms) and what its confirmation takes (1500 ms), twice',
  ],
  [
    good.replace('"demo"', '"Demo"'),
    'm.toml:2: Key "cluster" has the value "Demo". It must be a name of 1 to 63 lower-case letters, digits and inner hyphens',
  ],
])('a slip is told with its line and what is allowed (%#)', (source, problem) => {
  expect(problemOf(source)).toBe(problem);
});

const short = 'members = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]\n';

test('one line of hosts is enough: places are ids, ports are the usual ones, and this machine knows its own place', () => {
  expect(load(short)).toMatchObject({
    id: 2,
    cluster: 'cell',
    listen: { grpc: '0.0.0.0:7600', peers: '0.0.0.0:7601', http: '0.0.0.0:7602' },
    members: [
      { id: 1, grpc: '10.0.0.1:7600', peers: '10.0.0.1:7601', http: '10.0.0.1:7602' },
      { id: 2, grpc: '10.0.0.2:7600', peers: '10.0.0.2:7601', http: '10.0.0.2:7602' },
      { id: 3, grpc: '10.0.0.3:7600', peers: '10.0.0.3:7601', http: '10.0.0.3:7602' },
    ],
  });
});

test.each([
  ['members = ["cp1", "CP2", "cp3"]', 2, '0.0.0.0:7601'],
  ['members = ["cp2.example.org"]', 1, '0.0.0.0:7601'],
  ['members = ["fd00::1", "fd00::3", "fd00::2"]', 3, '[::]:7601'],
  ['id = 3\nmembers = ["a", "b", "c"]', 3, '0.0.0.0:7601'],
  ['members = ["127.0.0.1"]', 1, '127.0.0.1:7601'],
  ['id = 2\nmembers = ["127.0.0.1", "127.0.0.2"]', 2, '127.0.0.2:7601'],
])('the short form tells who this member is and where it listens (%#)', (source, id, peers) => {
  expect(load(source)).toMatchObject({ id, listen: { peers } });
});

test('tables of members need no id of their own either', () => {
  const source = short.replace(
    '"10.0.0.1", "10.0.0.2", "10.0.0.3"',
    '{ id = 7, grpc = "a:7600", peers = "10.0.0.2:7601", http = "a:7602" }',
  );
  expect(load(source)).toMatchObject({ id: 7, listen: { grpc: '127.0.0.1:7600' } });
});

test.each([
  [
    short.replace('10.0.0.2', '10.0.0.9'),
    'CELL_E_CONFIG',
    'm.toml:1: Key "members" (10.0.0.1, 10.0.0.9, 10.0.0.3) has none that is this machine, whose addresses are 10.0.0.2, fd00::2 and whose name is "cp2.example.org". Correct the list, or say with "id" which one this member is',
  ],
  [
    short.replace('10.0.0.1', 'fd00::2'),
    'CELL_E_CONFIG',
    'm.toml:1: Key "members" (fd00::2, 10.0.0.2, 10.0.0.3) has several that are this machine: 1, 2. Say with "id" which one this member is',
  ],
  [
    `members = ["10.0.0.1", { id = 2, grpc = "10.0.0.2:1", peers = "10.0.0.2:2", http = "10.0.0.2:3" }]`,
    'CELL_E_CONFIG',
    'm.toml:1: Key "members[1]" is in another form than members[0]. Give all as hosts, or all as tables',
  ],
  [
    short.replace('10.0.0.3', '10.0.0.3:7600'),
    'CELL_E_CONFIG',
    'm.toml:1: Key "members[2]" has the value "10.0.0.3:7600". It must be the address or the name of a machine, such as "10.0.0.1"',
  ],
  [
    short.replace('10.0.0.3', '10.0.0.1'),
    'CELL_E_CONFIG',
    'has the value "10.0.0.1:7600". It must differ from members[0].grpc, which has it too',
  ],
  [
    `${short}[listen]\ngrpc = "10.0.0.2:7700"`,
    'CELL_E_CONFIG',
    'm.toml:3: Key "listen.grpc" has the value "10.0.0.2:7700". Its port must be that of members[1].grpc, "10.0.0.2:7600"',
  ],
  [
    `${short.replace('members', 'join_token = "a"\njoin_token_file = "/run/token"\nmembers')}`,
    'CELL_E_CONFIG',
    'm.toml:2: Key "join_token_file" says where the token is, and "join_token" says it too. Leave one of them out',
  ],
])('a slip in the short form is told with what to do (%#)', (source, code, problem) => {
  expect(problemOf(source)).toContain(problem);
  expect(codeOf(source)).toBe(code);
});

function codeOf(source: string): unknown {
  try {
    return load(source);
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}

test('the environment counts instead of the file, which need not be there then', () => {
  const environment = {
    CELL_MEMBERS: '10.0.0.1, 10.0.0.2',
    CELL_JOIN_TOKEN_FILE: '/run/token',
    CELL_CLUSTER: 'east',
    CELL_LOG_LEVEL: 'debug',
  };
  const missing = { file: join(folder, 'missing.toml'), mayBeMissing: true, environment };
  const wanted = {
    id: 2,
    cluster: 'east',
    join_token_file: '/run/token',
    log: { level: 'debug' },
    listen: { grpc: '0.0.0.0:7600' },
  };
  expect(loadMemberConfig(missing, machine)).toMatchObject(wanted);
  writeFileSync(file, 'id = 1\ncluster = "demo"\nmembers = ["10.0.0.8"]\n');
  expect(loadMemberConfig({ file, environment }, machine)).toMatchObject({ ...wanted, id: 1 });
});

test('certificates live a day and limits are those of a large fleet, unless the file says otherwise', () => {
  const { certificates, limits, keyring } = load(short);
  expect({ certificates, limits, keyring }).toEqual({
    certificates: { lifetime: 86_400_000, renew_expired_within: 604_800_000 },
    limits: {
      calls_per_second: 2000,
      calls_burst: 4000,
      messages_per_second: 10_000,
      messages_burst: 20_000,
      failures_per_minute: 20,
      failures_burst: 20,
      joins_per_minute: 120,
      joins_burst: 120,
      connections: 20_000,
      connections_per_address: 1024,
      handshakes: 512,
      handshake_time: 10_000,
    },
    keyring: undefined,
  });
  const said = `${short}keyring = "/etc/cell/keyring.json"\n[certificates]\nlifetime = "30s"\n[limits]\nhandshakes = 7\n`;
  expect(load(said)).toMatchObject({
    keyring: '/etc/cell/keyring.json',
    certificates: { lifetime: 30_000 },
    limits: { handshakes: 7, connections: 20_000 },
  });
});
