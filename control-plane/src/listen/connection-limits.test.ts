import { expect, test } from 'vitest';
import { ConnectionLimits } from './connection-limits.ts';

const settings = { connections: 100, connectionsPerSource: 5, handshakes: 4 };

/** Begins connections "a1", "a2", … whose first letter is their address; gives what became of them. */
function begin(limits: ConnectionLimits<string>, ...names: string[]): string[] {
  return names.map((name) => {
    const beginning = limits.begin(name, name[0]!);
    if (beginning.kind === 'refuse') return `refuse: ${beginning.fault}`;
    return beginning.kind === 'begin' && beginning.evict !== undefined
      ? `begin for ${beginning.evict}`
      : beginning.kind;
  });
}

test('an address has so many connections and no more, until some end', () => {
  const limits = new ConnectionLimits<string>({ ...settings, handshakes: 50 });
  expect(begin(limits, 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1')).toEqual([
    ...Array.from({ length: 5 }, () => 'begin'),
    'refuse: address',
    'begin',
  ]);
  limits.end('a1');
  limits.end('a1');
  expect(begin(limits, 'a6', 'a7')).toEqual(['begin', 'refuse: address']);
});

test('a machine with a network of IPv6 addresses has no more connections for that', () => {
  const limits = new ConnectionLimits<string>({ ...settings, handshakes: 50 });
  const come = (address: string) => limits.begin(address, address).kind;
  const network = Array.from({ length: 6 }, (_, place) => come(`2001:db8:0:1:${place}::${place}`));
  expect(network).toEqual([...Array.from({ length: 5 }, () => 'begin'), 'refuse']);
  expect(come('2001:db8:0:2::1')).toBe('begin');
  limits.end('2001:db8:0:1:0::0');
  expect(come('2001:db8:0:1::99')).toBe('begin');
});

test('holders of certificates are counted apart from their address, each by itself', () => {
  const limits = new ConnectionLimits<string>({ ...settings, handshakes: 50 });
  begin(limits, 'a1', 'a2', 'a3', 'a4', 'a5');
  for (const [place, name] of ['a1', 'a2', 'a3', 'a4', 'a5'].entries()) {
    expect(limits.finish(name, `node "${place}"`)).toBeUndefined();
  }
  expect(begin(limits, 'a6', 'a7')).toEqual(['begin', 'begin']);
  for (const name of ['b1', 'b2', 'b3', 'b4']) {
    begin(limits, name);
    expect(limits.finish(name, 'node "0"')).toBeUndefined();
  }
  begin(limits, 'b5');
  expect(limits.finish('b5', 'node "0"')).toBe('address');
  limits.end('b5');
  for (const name of ['a1', 'b1', 'b2', 'b3', 'b4']) limits.end(name);
  begin(limits, 'b6');
  expect(limits.finish('b6', 'node "0"')).toBeUndefined();
  // None of them counts for the address that it came from any more.
  expect(begin(limits, 'a8', 'a9', 'a0', 'a+')).toEqual(['begin', 'begin', 'begin', 'refuse: address']);
});

test('there are so many connections in all', () => {
  const limits = new ConnectionLimits<string>({ ...settings, connections: 2 });
  expect(begin(limits, 'a1', 'b1', 'c1')).toEqual(['begin', 'begin', 'refuse: connections']);
  limits.end('b1');
  expect(begin(limits, 'c1')).toEqual(['begin']);
  expect(limits.size).toBe(2);
});

test('who never finishes handshakes keeps others out of the way of nobody: its oldest goes for who comes new', () => {
  const limits = new ConnectionLimits<string>(settings);
  expect(begin(limits, 'a1', 'a2', 'a3', 'a4', 'b1', 'c1')).toEqual([
    'begin',
    'begin',
    'begin',
    'begin',
    'begin for a1',
    'begin for a2',
  ]);
  expect(limits.unfinished).toBe(4);
  expect(begin(limits, 'a5')).toEqual(['hold']);
});

test('when all come at once, those for whom there is no room are held, and begin in their order', () => {
  const limits = new ConnectionLimits<string>(settings);
  expect(begin(limits, 'a1', 'b1', 'c1', 'd1', 'e1', 'f1', 'g1')).toEqual([
    'begin',
    'begin',
    'begin',
    'begin',
    'hold',
    'hold',
    'hold',
  ]);
  expect(limits.takeHeld()).toBeUndefined();
  limits.finish('a1', undefined);
  expect(limits.takeHeld()).toBe('e1');
  expect(limits.takeHeld()).toBeUndefined();
  limits.end('f1');
  limits.end('b1');
  expect(limits.takeHeld()).toBe('g1');
  expect({ size: limits.size, unfinished: limits.unfinished }).toEqual({ size: 5, unfinished: 4 });
});
