import { nearestWord } from '@cell/job';
import { CliError } from '../cli-error.ts';
import { type CommandSpec, commandName } from './command-spec.ts';
import { globalFlagSpecs } from './global-flags.ts';

export type FoundCommand =
  | { readonly command: CommandSpec; readonly words: readonly string[] }
  /** Words that only begin a command's name, such as `node`: help is due. */
  | { readonly group: readonly string[]; readonly words: readonly string[] };

/** Flags before the command's name that take the next word as their value. */
const VALUE_FLAGS: ReadonlySet<string> = new Set(
  Object.entries(globalFlagSpecs).flatMap(([name, spec]) => (spec.kind === 'switch' ? [] : [`--${name}`])),
);

/**
 * The command that the words name, and the words without its name. Throws `CliError` `CELL_E_USAGE` if there is none.
 */
export function findCommand(commands: readonly CommandSpec[], words: readonly string[]): FoundCommand {
  const rest = [...words];
  const path: string[] = [];
  for (let index = 0; index < rest.length; ) {
    const word = rest[index] as string;
    if (word.startsWith('-') && word !== '-') {
      index += VALUE_FLAGS.has(word) ? 2 : 1;
      continue;
    }
    const next = commands.filter((command) => [...path, word].every((part, place) => command.path[place] === part));
    if (next.length === 0) throw unknownCommand(commands, path, word);
    path.push(word);
    rest.splice(index, 1);
    const exact = next.find((command) => command.path.length === path.length);
    if (exact !== undefined) return { command: exact, words: rest };
  }
  return { group: path, words: rest };
}

function unknownCommand(commands: readonly CommandSpec[], path: readonly string[], word: string): CliError {
  const siblings = commands.filter(
    (command) => command.hidden !== true && path.every((part, place) => command.path[place] === part),
  );
  const known = [...new Set(siblings.map((command) => command.path[path.length] as string))];
  const near = nearestWord(word, known);
  const meant = near === undefined ? '' : `; did you mean "${near}"?`;
  const advice = `"${commandName([...path])} --help" shows all`;
  const typed = commandName([...path, word]);
  return new CliError('CELL_E_USAGE', `There is no command "${typed}"${meant === '' ? `; ${advice}` : meant}`);
}
