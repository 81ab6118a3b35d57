import type { CommandSpec } from './command-spec.ts';
import { findCommand } from './find-command.ts';
import type { Completes, FlagSpec, FlagSpecs } from './flag-spec.ts';
import { globalFlagSpecs } from './global-flags.ts';

export interface Suggestion {
  /** What stands at the cursor already. */
  readonly beginning: string;
  /** Words that fit, whatever they begin with. */
  readonly words: readonly string[];
  /** Names that only the fleet, or the shell, knows. */
  readonly completes: Completes | undefined;
}

/** What could stand at the cursor, which is in the last of the words. Pure. */
export function suggest(commands: readonly CommandSpec[], words: readonly string[]): Suggestion {
  const beginning = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const nothing = { beginning, words: [], completes: undefined };
  try {
    const found = findCommand(commands, before);
    if (!('command' in found)) return { ...nothing, words: [...nextWords(commands, found.group)] };
    return suggestWithin(found.command, found.words, beginning);
  } catch {
    return nothing;
  }
}

function nextWords(commands: readonly CommandSpec[], path: readonly string[]): Set<string> {
  const fitting = commands.filter(
    (command) => command.hidden !== true && path.every((part, place) => command.path[place] === part),
  );
  return new Set(fitting.map((command) => command.path[path.length] ?? '').filter((word) => word !== ''));
}

function suggestWithin(command: CommandSpec, given: readonly string[], beginning: string): Suggestion {
  const specs: FlagSpecs = { ...globalFlagSpecs, ...command.flags };
  const flag = flagOf(specs, given.at(-1));
  if (flag !== undefined && flag.kind !== 'switch') {
    const choices = flag.kind === 'choice' ? flag.choices : [];
    return { beginning, words: choices, completes: flag.kind === 'text' ? flag.completes : undefined };
  }
  if (beginning.startsWith('-')) {
    return { beginning, words: Object.keys(specs).map((name) => `--${name}`), completes: undefined };
  }
  const place = countArguments(specs, given);
  const spec = Object.values(command.arguments)[place];
  return { beginning, words: spec?.choices ?? [], completes: spec?.completes };
}

/** Words that are neither flags nor values of flags. */
function countArguments(specs: FlagSpecs, given: readonly string[]): number {
  return given.filter((word, place) => {
    if (word.startsWith('-') && word !== '-') return false;
    const flag = flagOf(specs, given[place - 1]);
    return flag === undefined || flag.kind === 'switch';
  }).length;
}

function flagOf(specs: FlagSpecs, word: string | undefined): FlagSpec | undefined {
  if (word === undefined) return undefined;
  return Object.entries(specs).find(([name, spec]) => word === `--${name}` || word === `-${spec.short}`)?.[1];
}
