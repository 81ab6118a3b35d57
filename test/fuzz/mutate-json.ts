/** Makes values of another content from parsed JSON: what comes out is sound JSON, so that readers look at what it says. */
import type { Random } from './random.ts';

const STEPS_MAX = 3;
/** Not too many: of lists in lists, each step could copy all that those before it did. */
const COPIES_MAX = 40;

const NUMBERS = [0, 1, -1, 2, 0.5, -0, 1e-7, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e308];
const TEXTS = [
  '',
  'web',
  '__proto__',
  'constructor',
  'toString',
  '\0',
  '\n',
  '\ud800',
  '\u2028',
  '../../etc/passwd',
  '😀'.repeat(200),
  'x'.repeat(5_000),
  '127.0.0.1:80',
  '9'.repeat(400),
];
const OTHERS: readonly unknown[] = [null, true, false, [], {}, '', 0, [[]], [null], { a: {} }];
const FIELDS = ['__proto__', 'constructor', 'toJSON', 'then', 'length', 'unknown'];

/** Where a value stands: an item of a list, or a field. */
interface Slot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** A copy with a few changes; most leave each value of its own type. `others` lend what they have. */
export function mutateJson(value: unknown, random: Random, others: readonly unknown[] = []): unknown {
  const root = { value: structuredClone(value) };
  const steps = 1 + random.below(STEPS_MAX);
  for (let step = 0; step < steps; step += 1) {
    const { holder, key } = random.pick(slots(root));
    if (holder !== root && !Array.isArray(holder) && random.once(8)) changeFields(holder, key, random);
    else put(holder, key, changed(holder[key], key, random, others));
  }
  return root.value;
}

function slots(holder: object): Slot[] {
  const found: Slot[] = [];
  const waiting: object[] = [holder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const [key, value] of Object.entries(next)) {
      found.push({ holder: next as Record<string, unknown>, key });
      if (typeof value === 'object' && value !== null) waiting.push(value as object);
    }
  }
  return found;
}

function changed(value: unknown, key: string, random: Random, others: readonly unknown[]): unknown {
  if (random.once(6)) return structuredClone(random.pick(OTHERS));
  if (others.length > 0 && random.once(3)) {
    const lent = slots({ other: random.pick(others) }).find((slot) => slot.key === key);
    if (lent !== undefined) return structuredClone(lent.holder[key]);
  }
  if (typeof value === 'number') return random.once(3) ? value + random.pick([-1, 1]) : random.pick(NUMBERS);
  if (typeof value === 'string') return random.once(4) ? value.repeat(2) : random.pick(TEXTS);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return changedList(value, random);
  return value === null ? random.pick([...NUMBERS, ...TEXTS]) : {};
}

function changedList(list: readonly unknown[], random: Random): unknown[] {
  if (list.length === 0) return [random.pick(OTHERS)];
  const item = random.pick(list);
  const copies = random.once(4) ? COPIES_MAX : 1;
  if (random.once(3)) return list.slice(0, random.below(list.length));
  return random.once(3) ? list.toReversed() : [...list, ...Array.from({ length: copies }, () => item)];
}

function changeFields(holder: Record<string, unknown>, key: string, random: Random): void {
  if (random.once(2)) put(holder, random.pick(FIELDS), random.pick(OTHERS));
  else delete holder[key];
}

/** As JSON has it: assigned, "__proto__" would be no field. */
function put(holder: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
