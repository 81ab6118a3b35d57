import type { Logger } from 'pino';
import type { MemberConfig } from './config/member-config.ts';
import { openIdentity } from './member-entrance.ts';
import { finishRecovery, type RecoveredLog, recoverLog } from './recovery/recover-log.ts';

export interface RecoverMemberOptions {
  /** Of the cluster from now on. */
  readonly clusterId: string;
  readonly log: Logger;
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
}

/**
 * Makes a stopped member the only one of its cluster. Rejects with a coded error, such as `CELL_E_DIRECTORY_IN_USE` while
 * the member runs, and changes nothing then.
 */
export async function recoverMember(config: MemberConfig, options: RecoverMemberOptions): Promise<RecoveredLog> {
  const identities = await openIdentity(config);
  try {
    await finishRecovery(identities, options.log);
    return await recoverLog({ ...options, identities });
  } finally {
    await identities.close();
  }
}
