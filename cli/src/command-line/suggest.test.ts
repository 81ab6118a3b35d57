import { expect, test } from 'vitest';
import { allCommands } from '../commands/all-commands.ts';
import { suggest } from './suggest.ts';

function suggested(line: string): { words: string[]; completes: string | undefined } {
  const { words, beginning, completes } = suggest(allCommands, line.split(' '));
  return { words: words.filter((word) => word.startsWith(beginning)), completes };
}

test.each<[string, string[], string | undefined]>([
  ['no', ['node'], undefined],
  ['job ', ['plan', 'run', 'list', 'show', 'stop'], undefined],
  ['job s', ['show', 'stop'], undefined],
  ['__', [], undefined],
  ['job show ', [], 'job'],
  ['job show web ', [], undefined],
  ['job run ', [], 'file'],
  ['node show ', [], 'node'],
  ['allocation logs -f -n 3 ', [], 'allocation'],
  ['allocation list --job ', [], 'job'],
  ['allocation list --node ', [], 'node'],
  ['allocation list --a', ['--address', '--all'], undefined],
  ['failover test --mode ', ['crash', 'transfer'], undefined],
  ['node list -o ', ['table', 'wide', 'json', 'yaml'], undefined],
  ['--address 127.0.0.1:1 node sh', ['show'], undefined],
  ['completion z', ['zsh'], undefined],
  ['nonsense ', [], undefined],
])('after "%s"', (line, words, completes) => {
  expect(suggested(line)).toEqual({ words, completes });
});
