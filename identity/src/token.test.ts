import { constant, property, assert as prove, stringMatching, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { IdentityError } from './identity-error.ts';
import { makeToken, parseToken, secretHash, type Token, tokenText } from './token.ts';

const PIN = 'ab'.repeat(32);
const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz234567';

const tokens = tuple(
  constant('join' as const),
  stringMatching(/^[a-z2-7]{10}$/),
  stringMatching(/^[a-z2-7]{32}$/),
  stringMatching(/^[0-9a-f]{64}$/),
).map(([purpose, id, secret, pin]): Token => ({ purpose, id, secret, pin }));

function refusal(text: string, purpose: Token['purpose'] = 'join'): string {
  try {
    parseToken(text, purpose);
  } catch (error) {
    expect(error).toBeInstanceOf(IdentityError);
    expect((error as IdentityError).code).toBe('CELL_E_TOKEN_MALFORMED');
    return (error as IdentityError).message;
  }
  return 'taken';
}

test('every token comes back out of its text as it was', () => {
  const comesBack = (token: Token): void => {
    expect(parseToken(tokenText(token), 'join')).toEqual(token);
  };
  prove(property(tokens, comesBack));
  for (const purpose of ['join', 'access'] as const) {
    const token = makeToken(purpose, PIN);
    expect(parseToken(` ${tokenText(token)}\n`, purpose)).toEqual(token);
  }
});

test('the text of a token stays as it is: those that were given out must work for ever', () => {
  const token = { id: 'a'.repeat(10), secret: 'b'.repeat(32), pin: `${'00'.repeat(31)}ff` };
  const text = `cellkey_${token.id}_${token.secret}_${'a'.repeat(49)}d7q_gbldoi`;
  expect(tokenText({ ...token, purpose: 'access' })).toBe(text);
  expect(parseToken(text, 'access')).toEqual({ ...token, purpose: 'access' });
  expect(secretHash(token.secret)).toBe('bdb339768bc5e4fecbe55a442056919b2b325907d49bcbf3bf8de13781996a83');
});

test('two tokens never share an id or a secret', () => {
  const made = Array.from({ length: 1000 }, () => makeToken('join', PIN));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1000);
  expect(new Set(made.map(({ secret }) => secret)).size).toBe(1000);
});

test('a wrong, missing, doubled or swapped character is noticed wherever it is, and the secret is never told', () => {
  const { secret, ...rest } = makeToken('join', PIN);
  const text = tokenText({ secret, ...rest });
  const mistakes = text.split('').flatMap((character, place) => {
    const [before, after] = [text.slice(0, place), text.slice(place + 1)];
    const others = CHARACTERS.split('').filter((other) => other !== character);
    return [
      ...others.map((other) => before + other + after),
      before + after,
      before + character + character + after,
      ...(after !== '' && after[0] !== character ? [before + after[0] + character + after.slice(1)] : []),
    ];
  });
  expect(mistakes.length).toBeGreaterThan(3000);
  for (const mistake of mistakes) {
    const message = refusal(mistake);
    expect(message).not.toBe('taken');
    expect(message).not.toContain(secret.slice(1, 9));
  }
});

test('what is no token is told from what was copied wrongly, and from a token for something else', () => {
  const join = tokenText(makeToken('join', PIN));
  const access = tokenText(makeToken('access', PIN));
  expect(refusal('hello')).toBe('This is no token: a token to join with is one word that begins with "celljoin_"');
  expect(refusal('')).toContain('This is no token');
  expect(refusal(join.slice(0, -6).concat('aaaaaa'))).toContain('was copied wrongly');
  expect(refusal(access)).toBe('This token is one to make calls with; one to join with begins with "celljoin_"');
  expect(refusal(join, 'access')).toBe('This token is one to join with; one to make calls with begins with "cellkey_"');
});

test('text that is far too long, or of another alphabet, is refused at once', () => {
  const text = tokenText(makeToken('join', PIN));
  expect(refusal(`${text}${' '.repeat(300)}`)).toContain('This is no token');
  expect(refusal(text.toUpperCase())).toContain('This is no token');
  expect(refusal(text.replace('_', '-'))).toContain('This is no token');
  expect(refusal(`${text}\u0000`)).toContain('too long or too short');
  expect(refusal(text.slice(0, 60))).toContain('too long or too short');
  expect(refusal(`${text}\n${text}`)).toContain('Give the token alone');
});
