import type { Logger } from 'pino';
import { changedKeys } from './changed-keys.ts';
import type { LogLevel } from './open-log.ts';

/** Settings that every daemon has. */
export interface DaemonSettings {
  readonly log: { readonly level: LogLevel };
}

/** The only key that counts at once; a daemon takes all others at its start. */
const LIVE_KEY = 'log.level';

/** Takes a configuration that was read anew. Returns the keys that count only after a restart. */
export function applySettings<S extends DaemonSettings>(started: S, read: S, log: Logger): string[] {
  log.level = read.log.level;
  return changedKeys(started as never, read as never).filter((key) => key !== LIVE_KEY);
}

/** What people are told of a reload. */
export function reloadText(restartKeys: readonly string[]): string {
  if (restartKeys.length === 0) return '';
  const keys = restartKeys.map((key) => `"${key}"`).join(', ');
  return `Restart it for the new ${keys} of its configuration`;
}
