import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { agentConfig, loadAgentSettings } from './agent-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'cell-config-'));
const file = join(folder, 'agent.toml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(source: string, environment = {}): unknown {
  writeFileSync(file, source);
  try {
    return agentConfig(loadAgentSettings({ file, environment }), '10.0.0.9', environment);
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`.replaceAll(file, 'agent.toml');
  }
}

test('a file needs no more than where the control plane is', () => {
  expect(load('control_plane = ["127.0.0.1:7600"]')).toEqual({
    name: hostname().slice(0, 63),
    data: '/var/lib/cell/agent',
    runtime: undefined,
    secrets: '/etc/cell/secrets',
    controlPlane: ['127.0.0.1:7600'],
    joinToken: undefined,
    joinTokenPlace: 'the setting "join_token"',
    joinTokenFile: undefined,
    address: '10.0.0.9',
    listenHttp: '10.0.0.9:7603',
    http: { allow: ['loopback'], token_file: undefined },
    cpuMillis: undefined,
    memoryMib: undefined,
    portFirst: 20_000,
    portLast: 29_999,
    attributes: {},
  });
});

test('a whole file is read', () => {
  const source = `
name = "node-1"
data = "/tmp/agent"
runtime = "process"
secrets = "/tmp/secrets"
control_plane = ["127.0.0.1:1", "[::1]:2"]
join_token_file = "/etc/cell/join-token"
listen.http = "127.0.0.1:0"
http.allow = ["10.0.0.0/8"]
resources = { cpu = 2.5, memory = "4GiB" }
ports.range = "100-200"
attributes = { "disk.kind" = "ssd" }
log.level = "debug"`;
  expect(load(source)).toEqual({
    name: 'node-1',
    data: '/tmp/agent',
    runtime: 'process',
    secrets: '/tmp/secrets',
    controlPlane: ['127.0.0.1:1', '[::1]:2'],
    joinToken: undefined,
    joinTokenPlace: 'the setting "join_token"',
    joinTokenFile: '/etc/cell/join-token',
    address: '10.0.0.9',
    listenHttp: '127.0.0.1:0',
    http: { allow: ['10.0.0.0/8'], token_file: undefined },
    cpuMillis: 2_500,
    memoryMib: 4_096,
    portFirst: 100,
    portLast: 200,
    attributes: { 'disk.kind': 'ssd' },
  });
});

test('every problem is named with its line', () => {
  const source = `name = ""
data = "here"
control_plane = []
colour = "red"
[listen]
http = "0.0.0.0"
[resources]
memory = "much"`;
  expect(load(source)).toBe(`CELL_E_CONFIG: Configuration file "agent.toml" has 6 problems
  agent.toml:1: Key "name" has the value "". It must be 1 to 63 letters, digits, "." and "-"
  agent.toml:2: Key "data" has the value "here". It must be an absolute path
  agent.toml:3: Key "control_plane" has 0 values. It must be an array of 1 to 32 values
  agent.toml:4: Key "colour" is not known here. Known are "name", "data", "runtime", "secrets", "control_plane", "join_token", "join_token_file", "address", "listen", "http", "resources", "ports", "attributes", "log"
  agent.toml:6: Key "listen.http" has the value "0.0.0.0". It must be an address to listen on, such as "127.0.0.1:7600"
  agent.toml:8: Key "resources.memory" has the value "much". It must be a size from "16MiB" to "64TiB"`);
});

test.each(['1', '5-4', '0-9', '1-70000'])('the range of ports %s is refused', (range) => {
  const source = `colour = "red"\ncontrol_plane = ["127.0.0.1:1"]\nname = "no good"\n[ports]\nrange = "${range}"`;
  expect(load(source)).toBe(`CELL_E_CONFIG: Configuration file "agent.toml" has 3 problems
  agent.toml:1: Key "colour" is not known here. Known are "name", "data", "runtime", "secrets", "control_plane", "join_token", "join_token_file", "address", "listen", "http", "resources", "ports", "attributes", "log"
  agent.toml:3: Key "name" has the value "no good". It must be 1 to 63 letters, digits, "." and "-"
  agent.toml:5: Key "ports.range" has the value "${range}". It must be a range of ports such as "20000-29999", from 1 to 65535`);
});

test('members are given as hosts, and metrics are read at the address of the node', () => {
  const source = 'control_plane = ["10.0.0.1", "cp2", "cp3:7700", "fd00::1", "[fd00::2]:1"]';
  const controlPlane = ['10.0.0.1:7600', 'cp2:7600', 'cp3:7700', '[fd00::1]:7600', '[fd00::2]:1'];
  expect(load(source)).toMatchObject({ controlPlane, address: '10.0.0.9', listenHttp: '10.0.0.9:7603' });
  const addressed = `address = "node-1.example.org"\n${source}`;
  expect(load(addressed)).toMatchObject({ address: 'node-1.example.org', listenHttp: 'node-1.example.org:7603' });
  expect(load(`${source}\nlisten.http = "0.0.0.0:7603"`)).toMatchObject({ listenHttp: '0.0.0.0:7603' });
});

test('a token is said in one way', () => {
  const source = 'control_plane = ["10.0.0.1"]\njoin_token = "celljoin_a"';
  expect(load(source)).toMatchObject({ joinToken: 'celljoin_a', joinTokenFile: undefined });
  expect(load(source, { CELL_JOIN_TOKEN: 'celljoin_b' })).toMatchObject({
    joinToken: 'celljoin_b',
    joinTokenPlace: 'the variable "CELL_JOIN_TOKEN"',
  });
  expect(load(source, { CELL_JOIN_TOKEN_FILE: '/t' })).toBe(
    'CELL_E_CONFIG: CELL_JOIN_TOKEN_FILE in the environment: ' +
      'Key "join_token_file" is given beside "join_token". It must be one of them',
  );
});

test('the environment counts instead of the file', () => {
  const environment = {
    CELL_CONTROL_PLANE: '10.0.0.1,10.0.0.2:7700,',
    CELL_JOIN_TOKEN_FILE: '/run/token',
    CELL_NODE_NAME: 'node-7',
    CELL_NODE_ADDRESS: '10.0.0.7',
    CELL_HTTP_ALLOW: 'loopback, 10.0.0.2',
    CELL_LOG_LEVEL: '',
  };
  expect(load('name = "other"\ncontrol_plane = ["127.0.0.1"]', environment)).toMatchObject({
    name: 'node-7',
    controlPlane: ['10.0.0.1:7600', '10.0.0.2:7700'],
    address: '10.0.0.7',
    joinTokenFile: '/run/token',
    listenHttp: '10.0.0.7:7603',
    http: { allow: ['loopback', '10.0.0.2'] },
  });
});

test('what is wrong in the environment is told with the variable', () => {
  const environment = { CELL_CONTROL_PLANE: '10.0.0.1,10 0', CELL_JOIN_TOKEN_FILE: 'here', CELL_LOG_LEVEL: 'loud' };
  expect(load('', environment)).toBe(`CELL_E_CONFIG: Configuration file "agent.toml" has 3 problems
  CELL_CONTROL_PLANE in the environment: Key "control_plane[1]" has the value "10 0". It must be the address or the name of a machine, with or without a port, such as "10.0.0.1:7600"
  CELL_JOIN_TOKEN_FILE in the environment: Key "join_token_file" has the value "here". It must be an absolute path
  CELL_LOG_LEVEL in the environment: Key "log.level" has the value "loud". It must be one of "trace", "debug", "info", "warn", "error"`);
});

test('without a file the environment must say where the control plane is', () => {
  const source = { file: '/nowhere/agent.toml', mayBeMissing: true };
  const load = (environment: Record<string, string>) => loadAgentSettings({ ...source, environment });
  expect(load({ CELL_CONTROL_PLANE: '10.0.0.1' })).toMatchObject({ control_plane: ['10.0.0.1:7600'] });
  expect(() => load({})).toThrow('"/nowhere/agent.toml": Could not read the configuration: there is no such file');
  expect(() => load({ CELL_LOG_LEVEL: 'info' })).toThrow(
    '"/nowhere/agent.toml": Key "control_plane" is missing. It must be an array of 1 to 32 values; CELL_CONTROL_PLANE in the environment can say it too',
  );
  expect(() => loadAgentSettings({ ...source, mayBeMissing: false, environment: { CELL_CONTROL_PLANE: 'a' } })).toThrow(
    'no such file',
  );
});
