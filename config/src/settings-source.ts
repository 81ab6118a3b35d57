import type { Located } from './located.ts';

/** An environment variable that counts instead of a key of the file. */
export interface SettingVariable {
  readonly variable: string;
  /** As in the file: `['log', 'level']`. */
  readonly path: readonly string[];
  /** A flag is 1 or 0, yes or no, true or false; a list has commas. */
  readonly kind: 'text' | 'flag' | 'list';
}

/** Where settings come from: a file, and over it the environment. */
export interface SettingsSource {
  readonly file: string;
  /** Whether the environment may do without the file. */
  readonly mayBeMissing?: boolean;
  readonly variables?: readonly SettingVariable[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Puts what the environment says in the place of what the file says. A variable that is empty says nothing. */
export function overlayEnvironment(root: Located, { variables = [], environment = {} }: SettingsSource): void {
  for (const { variable, path, kind } of variables) {
    const text = environment[variable]?.trim() ?? '';
    if (text === '') continue;
    let here = root;
    for (const step of path.slice(0, -1)) {
      if (here.kind !== 'table') break;
      const next: Located = here.entries.get(step) ?? { kind: 'table', line: 0, entries: new Map() };
      here.entries.set(step, next);
      here = next;
    }
    // What is no table in the file is a problem of its own, which is told.
    if (here.kind === 'table') here.entries.set(path.at(-1)!, located(text, variable, kind));
  }
}

/** Whether the environment says anything. */
export function environmentSpeaks({ variables = [], environment = {} }: SettingsSource): boolean {
  return variables.some(({ variable }) => (environment[variable]?.trim() ?? '') !== '');
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['yes', true],
  ['true', true],
  ['0', false],
  ['no', false],
  ['false', false],
]);

function located(text: string, variable: string, kind: SettingVariable['kind']): Located {
  const scalar = (value: string | boolean): Located => ({ kind: 'scalar', line: 0, variable, value, integer: false });
  if (kind === 'flag') return scalar(FLAGS.get(text.toLowerCase()) ?? text);
  if (kind === 'text') return scalar(text);
  const items = text.split(',').map((item) => item.trim());
  return { kind: 'array', line: 0, variable, items: items.filter((item) => item !== '').map(scalar) };
}
