/** Reads the daemons' configuration files: TOML, checked against a schema, every problem at once and with its line. */
export { type AddressEntry, AddressList, plainAddress } from './address-list.ts';
export { ConfigError, type ConfigProblem } from './config-error.ts';
export { duration, parseDurationMs } from './duration.ts';
export { hideTokens } from './hide-tokens.ts';
export { checkHttpSettings, HttpAccess, type HttpSettings, httpSettings, httpVariables } from './http-access.ts';
export { limitPerAddress } from './limit-per-address.ts';
export {
  address,
  addressWithPort,
  host,
  isLoopback,
  joinAddress,
  listenAddress,
  splitAddress,
  withPort,
} from './listen-address.ts';
export { loadSettings, type RefuseKey, readSettings, type SettingsCheck } from './read-settings.ts';
export { absolutePath, choice, flag, integer, number, text } from './scalars.ts';
export type { Place, Setting, SettingsOf } from './setting.ts';
export { optional, scalar, withDefault } from './setting.ts';
export type { SettingsSource, SettingVariable } from './settings-source.ts';
export { parseSizeBytes, size } from './size.ts';
export { dictionary, list, shortOrTable, table } from './structures.ts';
