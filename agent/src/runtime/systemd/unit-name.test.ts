import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unitOfPath, unitPath } from './unit-name.ts';

test('unitPath() writes what is neither letter nor digit as systemd does', () => {
  expect(unitPath('cell-web-a_1.service')).toBe('/org/freedesktop/systemd1/unit/cell_2dweb_2da_5f1_2eservice');
  expect(unitPath('1.slice')).toBe('/org/freedesktop/systemd1/unit/_31_2eslice');
});

test('unitOfPath() reads back what unitPath() wrote', () => {
  fc.assert(fc.property(fc.stringMatching(/^[A-Za-z0-9._@:-]+$/), (name) => unitOfPath(unitPath(name)) === name));
  expect(unitOfPath('/org/freedesktop/systemd1')).toBeUndefined();
});
