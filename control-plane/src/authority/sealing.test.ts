import { expect, test } from 'vitest';
import { makeSealingKey, openSealed, sealedWith, sealValue } from './sealing.ts';

const [key, other] = [makeSealingKey(1), makeSealingKey(2)];
const value = Buffer.from('the value of a secret');

function refusal(sealed: string, purpose = 'secret/a/b', keys = [key, other]): string {
  try {
    openSealed(keys, sealed, purpose);
  } catch (error) {
    expect((error as { code: string }).code).toBe('CELL_E_SEALED');
    expect((error as Error).message).not.toContain('the value');
    return (error as Error).message;
  }
  return 'opened';
}

test('what is sealed opens with its key and its purpose, also if it is empty or large', () => {
  for (const each of [value, Buffer.alloc(0), Buffer.alloc(65_536, 7)]) {
    const sealed = sealValue(key, each, 'secret/a/b');
    expect(Buffer.from(openSealed([other, key], sealed, 'secret/a/b'))).toEqual(each);
    expect(sealedWith(sealed)).toBe(key.id);
  }
});

test('the same value is never sealed twice in the same way, and is not to be read in it', () => {
  const sealed = Array.from({ length: 100 }, () => sealValue(key, value, 'secret/a/b'));
  expect(new Set(sealed.map((each) => each.split('.')[1])).size).toBe(100);
  expect(Buffer.from(sealed[0]!.split('.')[2]!, 'base64url').includes(value.subarray(0, 4))).toBe(false);
});

test('any bit that changed is noticed, in the nonce, the text and the tag', () => {
  const [id, ...parts] = sealValue(key, value, 'secret/a/b').split('.') as [string, string, string];
  for (const [place, part] of parts.entries()) {
    const bytes = Buffer.from(part, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const said = [id, ...parts.with(place, changed.toString('base64url'))].join('.');
      expect([place, bit, refusal(said)]).toEqual([place, bit, expect.stringContaining('was changed')]);
    }
  }
});

test('any character that changed is noticed, also one that stands for the same bytes', () => {
  const sealed = sealValue(key, value, 'secret/a/b');
  for (let place = 0; place < sealed.length; place += 1) {
    for (const character of 'aA0-_.') {
      if (sealed[place] === character) continue;
      expect(refusal(sealed.slice(0, place) + character + sealed.slice(place + 1))).not.toBe('opened');
    }
    expect(refusal(sealed.slice(0, place))).not.toBe('opened');
  }
});

test('a value opens for nothing but its own purpose, and with no other key', () => {
  const sealed = sealValue(key, value, 'secret/a/b');
  for (const purpose of ['secret/a/c', 'secret/a', 'authority/a', ''])
    expect(refusal(sealed, purpose)).toContain('was changed');
  expect(refusal(sealed, 'secret/a/b', [other])).toContain(
    `the key "${key.id}", which the keyring of this member does not have`,
  );
  expect(refusal(sealed.replace(key.id, other.id))).toContain('was changed');
  expect(refusal(sealed, 'secret/a/b', [{ ...other, id: key.id }])).toContain('was changed');
});

test.each(['', '.', '..', 'a.b.c', `${key.id}..`, `${key.id}.${'A'.repeat(16)}.`, `${key.id}.${'A'.repeat(16)}.AAAA`])(
  '%j is no sealed value',
  (text) => {
    expect(refusal(text)).toContain('was changed');
    expect(sealedWith(text)).toBe('');
  },
);
