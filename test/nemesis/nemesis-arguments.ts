import { parseArgs } from 'node:util';
import { FAULT_KINDS, type FaultKind } from './faults/fault.ts';

export interface NemesisArguments {
  /** Undefined: drawn at random. */
  readonly seed: number | undefined;
  readonly minutes: number;
  readonly faults: readonly FaultKind[];
  readonly members: number;
  readonly clients: number;
  /** History and logs stay also if all holds. */
  readonly keep: boolean;
}

export const USAGE = `Usage: npm run nemesis -- [--seed N] [--minutes M] [--faults kill,pause,…] [--members 5] [--clients 10] [--keep]

Faults: ${FAULT_KINDS.join(', ')}; all unless some are named`;

const MINUTES_DEFAULT = 2;
const MEMBERS_MAX = 9;
const CLIENTS_MAX = 64;

/** Throws `RangeError` or `TypeError` with a message for people. */
export function readNemesisArguments(words: readonly string[]): NemesisArguments {
  const text = { type: 'string' } as const;
  const options = {
    seed: text,
    minutes: text,
    faults: text,
    members: text,
    clients: text,
    keep: { type: 'boolean', default: false } as const,
  };
  const { values } = parseArgs({ args: [...words], options });
  const minutes = Number(values.minutes ?? MINUTES_DEFAULT);
  if (!(minutes > 0 && Number.isFinite(minutes))) {
    throw new RangeError(`--minutes must be a number above 0, not "${values.minutes}"`);
  }
  return {
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    minutes,
    faults: values.faults === undefined ? FAULT_KINDS : values.faults.split(',').map(faultKind),
    members: wholeNumber('--members', values.members ?? '5', 3, MEMBERS_MAX),
    clients: wholeNumber('--clients', values.clients ?? '10', 1, CLIENTS_MAX),
    keep: values.keep,
  };
}

function faultKind(word: string): FaultKind {
  const found = FAULT_KINDS.find((kind) => kind === word);
  if (found === undefined) throw new RangeError(`No fault is called "${word}"; there are ${FAULT_KINDS.join(', ')}`);
  return found;
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}
