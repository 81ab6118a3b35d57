import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { findOwnAddress } from './own-address.ts';

const outside = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map(({ address }) => address);

test('the address is that of the way to the control plane; loopback leads to loopback', async () => {
  expect(await findOwnAddress(['127.0.0.1:7600'])).toBe('127.0.0.1');
  expect(await findOwnAddress(['[::1]:7600'])).toBe('::1');
  for (const own of outside) expect(await findOwnAddress([`${own}:7600`])).toBe(own);
});

test('a member whose name nobody knows is passed over', async () => {
  expect(await findOwnAddress(['nobody.invalid:7600', '127.0.0.1:7600'])).toBe('127.0.0.1');
});

test('without a way, any address but loopback is better than none, and none is refused', async () => {
  const found = findOwnAddress(['nobody.invalid:7600']);
  if (outside.length > 0) expect(outside).toContain(await found);
  else await expect(found).rejects.toMatchObject({ code: 'CELL_E_NO_ADDRESS' });
});
