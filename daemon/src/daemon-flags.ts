import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { SettingsSource } from '@cell/config';
import { coded } from './end.ts';

const FLAGS = {
  config: { type: 'string' },
  check: { type: 'boolean' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

export interface DaemonFlags {
  readonly config: string | undefined;
  readonly check: boolean;
  readonly help: boolean;
  readonly version: boolean;
  /** Flags of the program itself. */
  readonly own: Readonly<Record<string, string | undefined>>;
  readonly verb: string | undefined;
}

/** Reads the command line; `ownFlags` take a value. Throws `CELL_E_CONFIG`. */
export function readDaemonFlags(
  programName: string,
  words: readonly string[],
  ownFlags: readonly string[],
): DaemonFlags {
  try {
    const own: ParseArgsConfig['options'] = Object.fromEntries(ownFlags.map((name) => [name, { type: 'string' }]));
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { ...own, ...FLAGS },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new Error(`Unexpected argument "${positionals[1]}"`);
    const { config, check = false, help = false, version = false, ...rest } = values;
    return { config, check, help, version, own: rest, verb: positionals[0] };
  } catch (error) {
    throw coded(
      'CELL_E_CONFIG',
      `${(error as Error).message.split(/\n|\. To specify/)[0]}; see "${programName} --help"`,
    );
  }
}

/** The file that the flag names, else CELL_CONFIG, else the default, which the environment may do without. */
export function settingsSource(
  config: string | undefined,
  defaultFile: string,
  environment: NodeJS.ProcessEnv,
): SettingsSource {
  const named = config ?? environment['CELL_CONFIG'];
  return { file: named ?? defaultFile, mayBeMissing: named === undefined, environment };
}
