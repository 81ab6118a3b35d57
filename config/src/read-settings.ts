import { readFileSync, statSync } from 'node:fs';
import { ParseError } from 'toml-eslint-parser';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { type Located, parseLocated } from './located.ts';
import type { Setting } from './setting.ts';
import { environmentSpeaks, overlayEnvironment, type SettingsSource } from './settings-source.ts';

/** Bytes of a configuration file. */
const FILE_BYTES_MAX = 1024 * 1024;

/** Takes the path of a key (`['members', 1, 'id']`) and a clause that says what is wrong and what is allowed. */
export type RefuseKey = (path: readonly (string | number)[], message: string) => void;

/** What a schema can't say: rules between keys. Runs once all single keys are right. */
export type SettingsCheck<T> = (settings: T, refuse: RefuseKey) => void;

/** Reads and checks settings. Throws `ConfigError` with every problem; it names the places, keys and values. */
export function loadSettings<T>(source: SettingsSource, schema: Setting<T>, check?: SettingsCheck<T>): T {
  return readSettings(readText(source), source, schema, check);
}

/** As `loadSettings`, of a text that was read already. */
export function readSettings<T>(text: string, source: SettingsSource, schema: Setting<T>, check?: SettingsCheck<T>): T {
  const { file } = source;
  const root = parse(text, file);
  overlayEnvironment(root, source);
  const problems: ConfigProblem[] = [];
  const variables = new Map(source.variables?.map(({ variable, path }) => [keyOf(path), variable]));
  const settings = schema.read(root, { file, key: '', line: 1, variables, problems });
  if (problems.length === 0) {
    check?.(settings, (path, message) => {
      const { line, variable } = nearest(root, path);
      problems.push({ file, line, variable, key: keyOf(path), message });
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

function readText(source: SettingsSource): string {
  const { file } = source;
  try {
    const bytes = statSync(file).size;
    if (bytes <= FILE_BYTES_MAX) return readFileSync(file, 'utf8');
    throw new Error(`it has ${bytes} bytes of at most ${FILE_BYTES_MAX}`);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && source.mayBeMissing === true && environmentSpeaks(source)) return '';
    const why = missing ? 'there is no such file; name one with --config FILE' : (error as Error).message;
    throw wholeFile(file, 0, `Could not read the configuration: ${why}`, error);
  }
}

function parse(text: string, file: string): Located {
  if (text === '') return { kind: 'table', line: 0, entries: new Map() };
  try {
    return parseLocated(text);
  } catch (error) {
    if (error instanceof RangeError) {
      throw wholeFile(file, 0, 'Could not read it as TOML: It is nested too deep, or a value is too long', error);
    }
    if (!(error instanceof ParseError)) throw error;
    throw wholeFile(file, error.lineNumber, `Could not read it as TOML: ${error.message}`, error);
  }
}

function wholeFile(file: string, line: number, message: string, cause: unknown): ConfigError {
  return new ConfigError(file, [{ file, line, key: '', message }], { cause });
}

/** The value at the path, or the nearest table above it that is there. */
function nearest(root: Located, path: readonly (string | number)[]): Located {
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
  return here;
}

function keyOf(path: readonly (string | number)[]): string {
  return path.map((step, depth) => (typeof step === 'number' ? `[${step}]` : depth === 0 ? step : `.${step}`)).join('');
}
