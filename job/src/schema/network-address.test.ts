import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkAddress } from './network-address.ts';

const isAccepted = (text: string) => networkAddress.check(text, {}).length === 0;

/** Addresses, and what becomes of them by one slip of the finger. */
const nearlyAddress = fc
  .tuple(
    fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::', '1::8', '1:2:3:4:5:6:7::', '::ffff:10.0.0.1')),
    fc.nat(40),
    fc.constantFrom('', ':', '::', '.', '0', 'f', 'g', '256', ':1', '.1'),
    fc.nat(2),
  )
  .map(([address, place, typed, deleted]) => {
    return address.slice(0, place) + typed + address.slice(place + deleted);
  });

test('an address is accepted exactly if the system takes it for one', () => {
  const scraps = fc.string({ unit: fc.constantFrom(...'0123456789af:.'.split('')), maxLength: 24 });
  fc.assert(
    fc.property(fc.oneof(nearlyAddress, scraps), (text) => {
      expect(isAccepted(text)).toBe(isIP(text) !== 0);
    }),
    { numRuns: 2_000 },
  );
});

test('a prefix is as long as its kind of address at most', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(200), (address, length) => {
      expect(isAccepted(`${address}/${length}`)).toBe(length <= (isIP(address) === 4 ? 32 : 128));
      expect(isAccepted(`${address}/0${length}`)).toBe(false);
    }),
  );
});
