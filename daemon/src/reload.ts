import type { Logger } from 'pino';
import { changedKeys } from './changed-keys.ts';
import type { LogLevel } from './open-log.ts';
import type { ServiceManager } from './service-manager.ts';
import type { StatusLine } from './status-line.ts';

/** Settings that every daemon has. */
export interface DaemonSettings {
  readonly log: { readonly level: LogLevel };
}

export interface ReloadParts<S extends DaemonSettings> {
  /** With which the daemon works. */
  readonly started: S;
  /** Reads and checks the configuration anew. Throws a coded error. */
  readonly read: () => S;
  readonly status: StatusLine;
  readonly manager: ServiceManager;
  readonly log: Logger;
}

/** The only key that counts at once; a daemon takes all others at its start. */
const LIVE_KEY = 'log.level';

/**
 * Takes what can change while the daemon works, and tells people which keys need a restart. A file that is wrong changes
 * nothing.
 */
export function reload<S extends DaemonSettings>({ started, read, status, manager, log }: ReloadParts<S>): void {
  // Before it is ready for the first time, the end of a reload would say that it is.
  if (status.ready) manager.notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  try {
    const settings = read();
    log.level = settings.log.level;
    const remark = restartText(changedKeys(started as never, settings as never).filter((key) => key !== LIVE_KEY));
    log.info(`Read the configuration anew${remark === '' ? '' : `. ${remark}`}`);
    status.remark(remark);
  } catch (error) {
    const problem = (error as Error).message;
    log.error({ problem }, 'Did not take the new configuration; nothing was changed');
    status.remark(`Its new configuration is wrong and was not taken: ${problem.split('\n')[0]}`);
  }
  if (status.ready) manager.notify('READY=1');
}

function restartText(restartKeys: readonly string[]): string {
  if (restartKeys.length === 0) return '';
  const keys = restartKeys.map((key) => `"${key}"`).join(', ');
  return `Restart it for the new ${keys} of its configuration`;
}
