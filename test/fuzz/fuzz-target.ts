import type { Random } from './random.ts';

/** Something that reads what comes from outside. */
export interface FuzzTarget {
  /** As one writes it: "job-file". */
  readonly name: string;
  /** Of what kind its input is: what is put into it besides flipped bits. */
  readonly form: 'text' | 'bytes';
  /** Good inputs, from which others are made; some are to be read without an error. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** Makes an input that is not made of the seeds; half of all are, where there is this. */
  make?(random: Random): Uint8Array;
  /** All inputs but the seeds are made so: what has a checksum, or a length in front, is refused at once otherwise. */
  readonly madeOnly?: true;
  /** Its inputs are large, and fewer of them are tried in tests. */
  readonly costly?: true;
  /** Whether an error is one that this boundary is allowed to end with. */
  refuses(error: unknown): boolean;
  /** Reads it, and throws or rejects if it refuses it. */
  read(input: Uint8Array): unknown;
}

/** For boundaries with an error class of their own: its errors have a code that begins so. */
export function coded(...classes: readonly (abstract new (...input: never[]) => Error)[]) {
  return (error: unknown): boolean => {
    const { code } = error as { code?: unknown };
    return classes.some((each) => error instanceof each) && typeof code === 'string' && code !== 'CELL_E_INTERNAL';
  };
}

export function utf8(input: Uint8Array): string {
  return Buffer.from(input.buffer, input.byteOffset, input.length).toString('utf8');
}

export function texts(...each: readonly string[]): readonly Uint8Array[] {
  return each.map((text) => Buffer.from(text));
}
