/** Reads the daemons' configuration files: TOML, checked against a schema, every problem at once and with its line. */
export { ConfigError, type ConfigProblem, type ProblemCode } from './config-error.ts';
export { duration, parseDurationMs } from './duration.ts';
export { address, isLoopback, joinAddress, listenAddress, splitAddress } from './listen-address.ts';
export { loadSettings, readSettings, type SettingsCheck } from './read-settings.ts';
export { absolutePath, choice, flag, integer, number, text } from './scalars.ts';
export type { Place, Setting, SettingsOf } from './setting.ts';
export { optional, scalar, withDefault } from './setting.ts';
export { parseSizeBytes, size } from './size.ts';
export { dictionary, list, table } from './structures.ts';
