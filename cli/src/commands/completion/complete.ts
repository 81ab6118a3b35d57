import type { CellClient } from '@cell/sdk';
import { type CommandSpec, defineCommand } from '../../command-line/command-spec.ts';
import type { Completes } from '../../command-line/flag-spec.ts';
import { suggest } from '../../command-line/suggest.ts';
import { type PersonsPlace, readConfiguration } from '../../connection/configuration.ts';

/** People wait at their prompt: an answer that takes longer is none. */
const TIMEOUT_MS = 1_000;
const NAMES_MAX = 1_000;
/** Files are the shell's to find. */
const FILE_MARK = '__file__';

/** What the shells' completion scripts ask. It never fails and never complains. */
export function completeCommand(commands: () => readonly CommandSpec[]): CommandSpec {
  return defineCommand({
    path: ['__complete'],
    summary: 'words that could stand at the cursor, one a line',
    hidden: true,
    passesWords: true,
    arguments: {},
    flags: {},
    examples: [],
    async run({ arguments: given, world, client, sources }) {
      const words = Object.values(given as Record<string, string>);
      const suggestion = suggest(commands(), words[0] === '--' ? words.slice(1) : words);
      const found =
        suggestion.completes === undefined
          ? []
          : await names(client, sources, suggestion.completes, world.signal).catch(() => []);
      const fitting = [...suggestion.words, ...found].filter(
        (word) => word === FILE_MARK || word.startsWith(suggestion.beginning),
      );
      await world.output.write(fitting.map((word) => `${word}\n`).join(''));
    },
  });
}

async function names(
  client: () => CellClient,
  place: PersonsPlace,
  what: Completes,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const options = { timeoutMs: TIMEOUT_MS, signal };
  const stale = true;
  switch (what) {
    case 'node':
      return (await client().nodes.listNodes({ stale }, options)).nodes.slice(0, NAMES_MAX).map(({ name }) => name);
    case 'job':
      return (await client().jobs.listJobs({ stale }, options)).jobs
        .slice(0, NAMES_MAX)
        .map(({ spec }) => spec?.name ?? '');
    case 'allocation':
      return (await client().allocations.listAllocations({ stale }, options)).allocations
        .slice(-NAMES_MAX)
        .map(({ id }) => id);
    case 'token':
      return (await client().identity.listTokens({}, options)).tokens.slice(-NAMES_MAX).map(({ name }) => name);
    case 'context':
      return Object.keys(readConfiguration(place)?.contexts ?? {});
    default:
      return [FILE_MARK];
  }
}
