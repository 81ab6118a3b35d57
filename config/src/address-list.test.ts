import { expect, test } from 'vitest';
import { AddressList } from './address-list.ts';
import { httpSettings } from './http-access.ts';
import { readSettings } from './read-settings.ts';
import { table } from './structures.ts';

test.each<[entry: string, inside: readonly string[], outside: readonly string[]]>([
  ['loopback', ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'], ['128.0.0.1', '10.0.0.1', '::2', 'fe80::1']],
  ['any', ['127.0.0.1', '10.0.0.1', '::1', '2001:db8::1', '::ffff:10.0.0.1', 'fe80::1%eth0'], ['', 'localhost']],
  ['10.0.0.7', ['10.0.0.7', '::ffff:10.0.0.7', '::FFFF:10.0.0.7'], ['10.0.0.8', '::ffff:10.0.0.8', '127.0.0.1']],
  ['::ffff:10.0.0.7', ['10.0.0.7', '::ffff:10.0.0.7'], ['10.0.0.8']],
  ['10.1.0.0/16', ['10.1.0.1', '10.1.255.255', '::ffff:10.1.2.3'], ['10.2.0.1', '10.0.255.255']],
  ['10.0.0.0/8', ['10.255.1.2'], ['11.0.0.1', 'a00::1']],
  ['2001:db8::/32', ['2001:db8::1', '2001:DB8:0:1::5'], ['2001:db9::1', '32.1.13.184']],
  ['fe80::/10', ['fe80::1', 'fe80::1%eth0'], ['ff02::1']],
])('"%s" means these addresses and no others', (entry, inside, outside) => {
  const addresses = new AddressList([entry]);
  for (const address of inside) expect([address, addresses.has(address)]).toEqual([address, true]);
  for (const address of outside) expect([address, addresses.has(address)]).toEqual([address, false]);
});

test('an empty list means nobody', () => {
  expect(new AddressList([]).has('127.0.0.1')).toBe(false);
});

test.each([
  'localhost',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0/8',
  '::/129',
  '::ffff:10.0.0.0/104',
  'fe80::1%eth0',
  '*',
  '10.0.0.1:80',
  '',
])('"%s" is no entry', (entry) => {
  const source = `http.allow = ["loopback", "${entry}"]`;
  const read = () => readSettings(source, { file: 'cell.toml' }, table({ http: httpSettings }));
  expect(read).toThrow(/"http.allow\[1\]" has the value.*It must be "loopback", "any", an address, or a network/);
  expect(new AddressList([entry]).has('127.0.0.1')).toBe(false);
});

test('nothing said means loopback, and the environment can say it', () => {
  const read = (text: string) => readSettings(text, { file: 'cell.toml' }, table({ http: httpSettings }));
  expect(read('')).toEqual({ http: { allow: ['loopback'], token_file: undefined } });
  expect(read('http.allow = []')).toMatchObject({ http: { allow: [] } });
});
