/** Writes DER (ITU-T X.690, 2021), as far as certificates need it. Nothing here reads any. */

/** Tags, section 8.1.2 and 8.14 there. */
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_PRIMITIVE = 0x80;
const CONTEXT_CONSTRUCTED = 0xa0;

export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content), content]);
}

/** Section 8.1.3: one byte, or their count and then they. */
function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(SEQUENCE, ...parts);
export const setOf = (part: Uint8Array): Buffer => element(SET, part);
export const octetString = (bytes: Uint8Array): Buffer => element(OCTET_STRING, bytes);
export const utf8String = (text: string): Buffer => element(UTF8_STRING, Buffer.from(text, 'utf8'));
export const truth = (): Buffer => element(BOOLEAN, Buffer.from([0xff]));

/** A number that is not negative, its highest byte first. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const shortest = bytes.subarray(start);
  return element(INTEGER, Buffer.from(shortest[0]! >= 0x80 ? [0] : []), shortest);
}

/** `unusedBits`: at the end of the last byte. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(BIT_STRING, Buffer.from([unusedBits]), bytes);
}

/** "1.2.840.10045.4.3.2"; section 8.19. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest % 128) | 0x80);
  return bytes;
}

/** Milliseconds since 1970, in whole seconds: two digits of the year until 2049 (RFC 5280, section 4.1.2.5). */
export function time(atMs: number): Buffer {
  const text = `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return text < '2050' ? element(UTC_TIME, Buffer.from(text.slice(2))) : element(GENERALIZED_TIME, Buffer.from(text));
}

/** In the place of another tag, as the contents of `bytes` already are: "[number] IMPLICIT". */
export const implicit = (number: number, content: Uint8Array): Buffer => element(CONTEXT_PRIMITIVE | number, content);
/** Around it: "[number] EXPLICIT". */
export const explicit = (number: number, whole: Uint8Array): Buffer => element(CONTEXT_CONSTRUCTED | number, whole);
