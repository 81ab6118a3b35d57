import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TOKEN } from '../testing/run-cellctl.ts';
import { resolveConnection } from './resolve-connection.ts';

let homeFolder = '';
beforeEach(() => {
  homeFolder = mkdtempSync(join(tmpdir(), 'cellctl-home-'));
});
afterEach(() => {
  rmSync(homeFolder, { recursive: true, force: true });
});

const FILE = `
context = "demo"
[contexts.demo]
addresses = ["127.0.0.1:1", "127.0.0.1:2"]
timeout = "3s"
[contexts.other]
addresses = ["127.0.0.1:3"]
`;

function configure(text: string, folder = join(homeFolder, '.config')): void {
  mkdirSync(join(folder, 'cell'), { recursive: true });
  writeFileSync(join(folder, 'cell', 'config.toml'), text);
}

function resolved(flags: Record<string, unknown> = {}, environment: Record<string, string> = {}) {
  const none = { address: undefined, context: undefined, 'call-timeout': undefined, token: undefined };
  const given = { ...none, 'token-file': undefined, cacert: undefined, ...flags };
  return resolveConnection({
    flags: given,
    environment: { CELL_TOKEN: TOKEN, ...environment },
    homeFolder,
    currentFolder: homeFolder,
    nowMs: 0,
  });
}

test('without anything it is the first port of this machine', () => {
  expect(resolved()).toMatchObject({ addresses: ['127.0.0.1:7600'], timeoutMs: 10_000 });
});

test('a flag goes before the environment, and that before the file', () => {
  configure(FILE);
  expect(resolved()).toMatchObject({ addresses: ['127.0.0.1:1', '127.0.0.1:2'], timeoutMs: 3_000 });
  expect(resolved({}, { CELL_CONTEXT: 'other' })).toMatchObject({ addresses: ['127.0.0.1:3'], timeoutMs: 10_000 });
  expect(resolved({ context: 'demo' }, { CELL_CONTEXT: 'other' }).addresses[0]).toBe('127.0.0.1:1');
  expect(resolved({ context: 'demo' }, { CELL_ADDR: '127.0.0.1:4' }).addresses).toEqual(['127.0.0.1:4']);
  expect(resolved({ address: '127.0.0.1:5' }, { CELL_ADDR: '127.0.0.1:4' }).addresses).toEqual(['127.0.0.1:5']);
  expect(resolved({ 'call-timeout': 500 }).timeoutMs).toBe(500);
});

test('several addresses stand with commas between them', () => {
  expect(resolved({}, { CELL_ADDR: '127.0.0.1:1, [::1]:2,host:3' }).addresses).toEqual([
    '127.0.0.1:1',
    '[::1]:2',
    'host:3',
  ]);
});

test('without a port it is the usual one', () => {
  configure('context = "demo"\n[contexts.demo]\naddresses = ["10.0.0.1"]\n');
  expect(resolved().addresses).toEqual(['10.0.0.1:7600']);
  expect(resolved({ address: 'cp-1,10.0.0.2:7610,fd00::3' }).addresses).toEqual([
    'cp-1:7600',
    '10.0.0.2:7610',
    '[fd00::3]:7600',
  ]);
});

test('the configuration folder can be elsewhere', () => {
  const folder = join(homeFolder, 'elsewhere');
  configure(FILE, folder);
  expect(resolved({}, { XDG_CONFIG_HOME: folder }).addresses[0]).toBe('127.0.0.1:1');
});

test.each([
  [{ address: 'non sense' }, {}, /^"--address" has the value "non sense"\. It must be 1 to 16 addresses/],
  [{}, { CELL_ADDR: '127.0.0.1:1,:2' }, /^"CELL_ADDR" has the value ":2"/],
  [{}, { CELL_ADDR: ',' }, /^"CELL_ADDR" has the value ","/],
  [{ address: 'host:0' }, {}, /"host:0"/],
  [{ context: 'x' }, {}, /^There is no context "x" in ".*config\.toml"; it has "demo", "other"$/],
])('%j with %j is refused', (flags, environment, message) => {
  configure(FILE);
  expect(() => resolved(flags, environment as Record<string, string>)).toThrow(message);
});

test('a context without a file is refused', () => {
  expect(() => resolved({ context: 'demo' })).toThrow(/^There is no context "demo", since there is no file/);
});

test('a wrong file gets all its errors with lines', () => {
  configure('contxt = "demo"\n[contexts.demo]\naddresses = ["non sense"]\n');
  expect(() => resolved()).toThrow(/has 2 problems\n.*config\.toml:1: Key "contxt".*\n.*config\.toml:3: Key/);
});
