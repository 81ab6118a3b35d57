import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadAgentConfig } from './agent-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'cell-config-'));
const file = join(folder, 'agent.toml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(source: string): unknown {
  writeFileSync(file, source);
  try {
    return loadAgentConfig(file);
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`.replaceAll(file, 'agent.toml');
  }
}

test('a file needs no more than where the control plane is', () => {
  expect(load('control_plane = ["127.0.0.1:7600"]')).toEqual({
    name: hostname().slice(0, 63),
    data: '/var/lib/cell/agent',
    controlPlane: ['127.0.0.1:7600'],
    listenHttp: '127.0.0.1:7603',
    cpuMillis: undefined,
    memoryMib: undefined,
    portFirst: 20_000,
    portLast: 29_999,
    attributes: {},
    logLevel: 'info',
  });
});

test('a whole file is read', () => {
  const source = `
name = "node-1"
data = "/tmp/agent"
control_plane = ["127.0.0.1:1", "[::1]:2"]
listen.http = "127.0.0.1:0"
resources = { cpu = 2.5, memory = "4GiB" }
ports.range = "100-200"
attributes = { "disk.kind" = "ssd" }
log.level = "debug"`;
  expect(load(source)).toEqual({
    name: 'node-1',
    data: '/tmp/agent',
    controlPlane: ['127.0.0.1:1', '[::1]:2'],
    listenHttp: '127.0.0.1:0',
    cpuMillis: 2_500,
    memoryMib: 4_096,
    portFirst: 100,
    portLast: 200,
    attributes: { 'disk.kind': 'ssd' },
    logLevel: 'debug',
  });
});

test('every problem is named with its line', () => {
  const source = `name = ""
data = "here"
control_plane = []
colour = "red"
[listen]
http = "0.0.0.0:7603"
[resources]
memory = "much"`;
  expect(load(source)).toBe(`CELL_E_CONFIG: Configuration file "agent.toml" has 6 problems
  agent.toml:1: Key "name" has the value "". It must be 1 to 63 letters, digits, "." and "-"
  agent.toml:2: Key "data" has the value "here". It must be an absolute path
  agent.toml:3: Key "control_plane" has 0 values. It must be an array of 1 to 32 values
  agent.toml:4: Key "colour" is not known here. Known are "name", "data", "control_plane", "listen", "resources", "ports", "attributes", "log"
  agent.toml:6: Key "listen.http" has the value "0.0.0.0:7603". It must be a loopback address such as "127.0.0.1:7600": until identities exist (TLS, certificates), daemons talk in clear text
  agent.toml:8: Key "resources.memory" has the value "much". It must be a size from "16MiB" to "64TiB"`);
});

test.each(['1', '5-4', '0-9', '1-70000'])('the range of ports %s is refused', (range) => {
  const source = `colour = "red"\ncontrol_plane = ["127.0.0.1:1"]\nname = "no good"\n[ports]\nrange = "${range}"`;
  expect(load(source)).toBe(`CELL_E_CONFIG: Configuration file "agent.toml" has 3 problems
  agent.toml:1: Key "colour" is not known here. Known are "name", "data", "control_plane", "listen", "resources", "ports", "attributes", "log"
  agent.toml:3: Key "name" has the value "no good". It must be 1 to 63 letters, digits, "." and "-"
  agent.toml:5: Key "ports.range" has the value "${range}". It must be a range of ports such as "20000-29999", from 1 to 65535`);
});
