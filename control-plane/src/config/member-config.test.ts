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

const folder = mkdtempSync(join(tmpdir(), 'cell-config-'));
const file = join(folder, 'm.toml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(source: string) {
  writeFileSync(file, source);
  return loadMemberConfig(file);
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
