import type { CommandResult } from '../commands.ts';
import { NODE_IDENTITY_KEPT_MS, TOKEN_KEPT_MS } from '../limits.ts';
import type { Application } from './application.ts';
import { trimVersions } from './submit-job.ts';
import { trimEnded } from './trim-ended.ts';

/** Result detail: `removedAllocations`. Drills, events and the audit log keep within their limits by themselves. */
export function collectGarbage(application: Application): CommandResult {
  let removedAllocations = 0;
  for (const name of [...application.tables.jobs.keys()].sort()) {
    removedAllocations += trimEnded(application, name, 'now');
    trimVersions(application, name);
  }
  collectTokens(application);
  collectNodeIdentities(application);
  return application.done({ removedAllocations });
}

/** Expired ones are shown for a while, so that people see why something is refused. */
function collectTokens(application: Application): void {
  const expired = [...application.tables.tokens.values()].filter(
    ({ expiresAtMs }) => expiresAtMs !== undefined && expiresAtMs + TOKEN_KEPT_MS <= application.timeMs,
  );
  for (const row of expired.sort((one, other) => (one.id < other.id ? -1 : 1))) application.removeToken(row);
}

/** Of machines that joined and are gone. What was revoked stays, so that it can't come back. */
function collectNodeIdentities({ tables, timeMs }: Application): void {
  const gone = [...tables.nodeIdentities.values()].filter(
    ({ nodeId, revokedAtMs, certificateExpiresAtMs }) =>
      revokedAtMs === undefined &&
      !tables.nodes.has(nodeId) &&
      certificateExpiresAtMs + NODE_IDENTITY_KEPT_MS <= timeMs,
  );
  for (const row of gone) tables.identity.removeNode(row);
}
