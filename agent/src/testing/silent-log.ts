import type { Log } from '../ports.ts';

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
