import { readFileSync, statSync } from 'node:fs';
import { ParseError } from 'toml-eslint-parser';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { type Located, parseLocated } from './located.ts';
import type { Setting } from './setting.ts';

/** Bytes of a configuration file. */
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * What a schema can't say: rules between keys. Runs once all single keys are right; `refuse` takes the path of the key
 * (`['members', 1, 'id']`) and a clause that says what is wrong and what is allowed.
 */
export type SettingsCheck<T> = (
  settings: T,
  refuse: (path: readonly (string | number)[], message: string) => void,
) => void;

/** Reads and checks the file. Throws `ConfigError` with every problem; it names the file, lines, keys and values. */
export function loadSettings<T>(file: string, schema: Setting<T>, check?: SettingsCheck<T>): T {
  return readSettings(readText(file), file, schema, check);
}

/** As `loadSettings`, of a text that was read already; `file` is what messages call it. */
export function readSettings<T>(text: string, file: string, schema: Setting<T>, check?: SettingsCheck<T>): T {
  const root = parse(text, file);
  const problems: ConfigProblem[] = [];
  const settings = schema.read(root, { file, key: '', line: 1, problems });
  if (problems.length === 0) {
    check?.(settings, (path, message) => {
      problems.push({ code: 'CELL_E_CONFIG', file, line: lineOf(root, path), key: keyOf(path), message });
    });
  }
  if (problems.length > 0) {
    throw new ConfigError(
      file,
      problems.sort((left, right) => left.line - right.line),
    );
  }
  return settings;
}

function readText(file: string): string {
  try {
    const bytes = statSync(file).size;
    if (bytes <= FILE_BYTES_MAX) return readFileSync(file, 'utf8');
    throw new Error(`it has ${bytes} bytes of at most ${FILE_BYTES_MAX}`);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'there is no such file; name one with --config FILE' : (error as Error).message;
    throw wholeFile(file, 0, `Could not read the configuration: ${why}`, error);
  }
}

function parse(text: string, file: string): Located {
  try {
    return parseLocated(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw wholeFile(file, error.lineNumber, `Could not read it as TOML: ${error.message}`, error);
  }
}

function wholeFile(file: string, line: number, message: string, cause: unknown): ConfigError {
  return new ConfigError(file, [{ code: 'CELL_E_CONFIG', file, line, key: '', message }], { cause });
}

/** The line of the value at the path, or of the nearest table above it that is there. */
function lineOf(root: Located, path: readonly (string | number)[]): number {
  let here = root;
  for (const step of path) {
    const next =
      here.kind === 'table'
        ? here.entries.get(String(step))
        : here.kind === 'array'
          ? here.items[Number(step)]
          : undefined;
    if (next === undefined) break;
    here = next;
  }
  return here.line;
}

function keyOf(path: readonly (string | number)[]): string {
  return path.map((step, depth) => (typeof step === 'number' ? `[${step}]` : depth === 0 ? step : `.${step}`)).join('');
}
