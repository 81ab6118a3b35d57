/** The ways in which a daemon's process ends. */
import { ConfigError, hideTokens } from '@cell/config';

/** What sysexits.h calls EX_CONFIG. Units are not started again after it. */
const UNCONFIGURED_EXIT_CODE = 78;

/** A member of no cluster: as good as not configured, until somebody says "init" or "join". */
const NOT_INITIALIZED = 'CELL_E_NOT_INITIALIZED';

/** One line on standard error, and the end: with 78 if nobody has configured the daemon yet, else with 1. */
export function fail(error: unknown): never {
  const { code, message, stack } = error as Partial<Error> & { code?: unknown };
  const unconfigured = (error instanceof ConfigError && error.unconfigured) || code === NOT_INITIALIZED;
  const known = typeof code === 'string' && code.startsWith('CELL_E_');
  const text = known ? `${code}: ${message}` : `CELL_E_INTERNAL: ${stack ?? String(error)}`;
  process.stderr.write(`${hideTokens(text)}\n`);
  process.exit(unconfigured ? UNCONFIGURED_EXIT_CODE : 1);
}

export function coded(code: `CELL_E_${string}`, message: string): Error {
  return Object.assign(new Error(message), { code });
}
