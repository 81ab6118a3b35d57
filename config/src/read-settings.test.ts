import { expect, test } from 'vitest';
import {
  absolutePath,
  address,
  ConfigError,
  choice,
  dictionary,
  duration,
  flag,
  integer,
  list,
  listenAddress,
  number,
  optional,
  readSettings,
  size,
  table,
  text,
  withDefault,
} from './index.ts';

const schema = table({
  id: integer(1, 9),
  cluster: text({ lengthMax: 10 }),
  data: absolutePath(),
  level: withDefault(choice('info', 'debug'), 'info'),
  fast: withDefault(flag(), false),
  listen: table({ grpc: withDefault(listenAddress(), '127.0.0.1:7600') }),
  members: list(table({ id: integer(1, 9), grpc: address() }), 1, 3),
  raft: table({ heartbeat: withDefault(duration('10ms', '5s'), 50) }),
  resources: table({ cpu: optional(number(0.1, 1024)), memory: optional(size('64MiB', '1TiB')) }),
  attributes: dictionary(text(), 3),
});

const good = `
id = 1
cluster = "demo"
data = "/var/lib/cell"
[listen]
grpc = "[::1]:7600"
[[members]]
id = 1
grpc = "127.0.0.1:7600"
[[members]]
id = 2
grpc = "localhost:7601"
[raft]
heartbeat = "1.5s"
[resources]
memory = "1.5GiB"
[attributes]
"disk kind" = "ssd"
`;

test('a right file is read into values, with defaults for what it leaves out', () => {
  expect(readSettings(good, { file: 'cell.toml' }, schema)).toEqual({
    id: 1,
    cluster: 'demo',
    data: '/var/lib/cell',
    level: 'info',
    fast: false,
    listen: { grpc: '[::1]:7600' },
    members: [
      { id: 1, grpc: '127.0.0.1:7600' },
      { id: 2, grpc: 'localhost:7601' },
    ],
    raft: { heartbeat: 1500 },
    resources: { cpu: undefined, memory: 1.5 * 2 ** 30 },
    attributes: { 'disk kind': 'ssd' },
  });
});

function messageOf(source: string, check?: Parameters<typeof readSettings<ReturnType<typeof schema.read>>>[3]): string {
  try {
    readSettings(source, { file: 'cell.toml' }, schema, check);
  } catch (error) {
    if (error instanceof ConfigError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

test('every problem of a wrong file is named at once, with its line, key, value and what is allowed', () => {
  const wrong = `
id = 1.0
cluster = "much too long a name"
data = "var/lib"
colour = "red"
level = "loud"
members = [{ id = 10, grpc = "nowhere" }, 7]
[raft]
heartbeat = "50"
[resources]
cpu = "two"
memory = "4GB"
[listen]
gprc = "127.0.0.1:7600"
`;
  expect(messageOf(wrong)).toBe(
    `CELL_E_CONFIG: Configuration file "cell.toml" has 12 problems
  cell.toml:2: Key "id" has the value "1". It must be a whole number from 1 to 9
  cell.toml:3: Key "cluster" has the value "much too long a name". It must be a text of 1 to 10 characters
  cell.toml:4: Key "data" has the value "var/lib". It must be an absolute path
  cell.toml:5: Key "colour" is not known here. Known are "id", "cluster", "data", "level", "fast", "listen", "members", "raft", "resources", "attributes"
  cell.toml:6: Key "level" has the value "loud". It must be one of "info", "debug"
  cell.toml:7: Key "members[0].id" has the value "10". It must be a whole number from 1 to 9
  cell.toml:7: Key "members[0].grpc" has the value "nowhere". It must be an address such as "127.0.0.1:7600"
  cell.toml:7: Key "members[1]" has the value "7". It must be a table
  cell.toml:9: Key "raft.heartbeat" has the value "50". It must be a duration from "10ms" to "5s"
  cell.toml:11: Key "resources.cpu" has the value "two". It must be a number from 0.1 to 1024
  cell.toml:12: Key "resources.memory" has the value "4GB". It must be a size from "64MiB" to "1TiB"
  cell.toml:14: Key "listen.gprc" is not known here. Known are "grpc"`,
  );
});

test('a missing key is reported at the table that should have it', () => {
  expect(messageOf(good.replace('id = 2\n', ''))).toBe(
    'CELL_E_CONFIG: cell.toml:10: Key "members[1].id" is missing. It must be a whole number from 1 to 9',
  );
});

test('a text that is not TOML is refused with its line', () => {
  expect(messageOf('id = 1\nid = 2\n')).toMatch(/^CELL_E_CONFIG: cell.toml:2: Could not read it as TOML: /);
  expect(messageOf('id = [\n')).toMatch(/^CELL_E_CONFIG: cell.toml:[12]: Could not read it as TOML: /);
});

test('a text that is nested deeper than it can be read is refused', () => {
  expect(messageOf(`id = ${'['.repeat(50_000)}${']'.repeat(50_000)}`)).toMatch(
    /^CELL_E_CONFIG: .*It is nested too deep/,
  );
});

test('rules between keys are reported at the key they name', () => {
  const message = messageOf(good, (settings, refuse) => {
    if (settings.members[1]?.id === 2) refuse(['members', 1, 'id'], 'has the value "2". It must be odd');
  });
  expect(message).toBe('CELL_E_CONFIG: cell.toml:11: Key "members[1].id" has the value "2". It must be odd');
});
