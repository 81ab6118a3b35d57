/** The ways in which a daemon's process ends. */

/** One line on standard error, and the end. */
export function fail(error: unknown): never {
  const { code, message, stack } = error as Partial<Error> & { code?: unknown };
  const known = typeof code === 'string' && code.startsWith('CELL_E_');
  process.stderr.write(`${known ? `${code}: ${message}` : `CELL_E_INTERNAL: ${stack ?? String(error)}`}\n`);
  process.exit(1);
}

export function coded(code: `CELL_E_${string}`, message: string): Error {
  return Object.assign(new Error(message), { code });
}
