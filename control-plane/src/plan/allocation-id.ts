import type { SeededRandom } from './seeded-random.ts';

/** Crockford's base 32: digits and letters without I, L, O and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/** 26 characters: 10 of time in milliseconds, so that ids sort by it, and 16 of chance. */
export function allocationId(nowMs: number, random: SeededRandom): string {
  let id = '';
  let rest = nowMs;
  for (let position = 0; position < TIME_CHARACTERS; position += 1) {
    id = ALPHABET.charAt(rest % 32) + id;
    rest = Math.floor(rest / 32);
  }
  // Six characters out of 32 bits.
  for (let position = 0, bits = 0; position < RANDOM_CHARACTERS; position += 1) {
    if (position % 6 === 0) bits = random.next();
    id += ALPHABET.charAt(bits & 31);
    bits >>>= 5;
  }
  return id;
}
