import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { type FuzzTarget, texts, utf8 } from './fuzz-target.ts';
import { allTargets } from './targets/all-targets.ts';

const SEED = 'tests 1';
/** Few: `npm run fuzz` goes on from here. */
const EXECUTIONS = 300;
const COSTLY_EXECUTIONS = 60;
/** Of processor time for 64 KiB: far above what any needs, and far below what a reader takes that loops. */
const INPUT_MS_MAX = 5_000;
/** What a reader may leave behind in all, above what the runtime has need of. */
const KEPT_MIB_MAX = 400;

test.each(allTargets)('$name: bad input is refused with its own errors', async (target) => {
  const before = process.memoryUsage.rss();
  const executions = target.costly ? COSTLY_EXECUTIONS : EXECUTIONS;
  const { finding } = await fuzz(target, { seed: SEED, executions, inputMsMax: INPUT_MS_MAX });
  const shown =
    finding === undefined
      ? undefined
      : `${finding.why}\nInput (base 64): ${Buffer.from(finding.input).toString('base64')}`;
  expect(shown).toBeUndefined();
  expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(KEPT_MIB_MAX);
});

function careless(read: (text: string) => unknown): FuzzTarget {
  return {
    name: 'careless',
    form: 'text',
    seeds: async () => texts('{"list":[1,2,3],"name":"one"}'),
    refuses: (error) => error instanceof SyntaxError,
    read: (input) => read(utf8(input)),
  };
}

const options = { seed: SEED, executions: 5_000, inputMsMax: INPUT_MS_MAX };

test('a reader that believes what it reads is found, and the same input is found again', async () => {
  const target = careless((text) => (JSON.parse(text) as { list: number[] }).list.map((each) => each));
  const { finding } = await fuzz(target, options);
  expect(finding?.why).toMatch(/^TypeError: /);
  expect((await fuzz(target, options)).finding?.input).toEqual(finding?.input);
  expect((await fuzz(target, { ...options, seed: 'another' })).finding?.input).not.toEqual(finding?.input);
});

test('a reader that goes as deep as its input is found', async () => {
  // As a parser that goes down by calling itself.
  const depth = (text: string, at = 0): number => (text[at] === '[' ? depth(text, at + 1) + (at % 2) : at);
  const target = careless((text) =>
    depth(
      text
        .slice(text.search(/\[{100}/))
        .repeat(2)
        .replaceAll(']', ''),
    ),
  );
  expect((await fuzz(target, options)).finding?.why).toMatch(/^RangeError: Maximum call stack/);
});

test('a reader that takes long is found', async () => {
  const slow = careless((text) => {
    const beginning = process.threadCpuUsage().user;
    while (text.length > 4_000 && process.threadCpuUsage().user - beginning < 60_000);
  });
  expect((await fuzz(slow, { ...options, inputMsMax: 50 })).finding?.why).toMatch(/^It took \d+ ms$/);
});
