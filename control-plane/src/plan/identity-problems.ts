import type { AuthorityRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';
import type { FleetProblem } from './fleet-problem.ts';
import { PROBLEMS_PER_KIND_MAX } from './limits.ts';
import { retiresAtMs, tokensPinning } from './replaced-authorities.ts';

type IdentityTables = Pick<FleetState, 'authorities' | 'nodes' | 'nodeIdentities' | 'tokens'>;

/** A certificate that has less than this share of its life left should have been renewed long ago: at half of it. */
const LEFT_SHARE_MIN = 1 / 4;
const NAMES_MAX = 5;
const MS_PER_MINUTE = 60_000;

/** What is not right with certificates. `lifetimeMs`: how long they live. */
export function identityProblems(state: IdentityTables, nowMs: number, lifetimeMs: number): FleetProblem[] {
  return [...rotationProblems(state, nowMs, lifetimeMs), ...certificateProblems(state, nowMs, lifetimeMs)];
}

function certificateProblems({ nodes, nodeIdentities }: IdentityTables, nowMs: number, lifetimeMs: number) {
  const problems: FleetProblem[] = [];
  const ready = [...nodes.values()].filter(({ status }) => status === 'ready');
  for (const { id, name } of ready.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const identity = nodeIdentities.get(id);
    if (identity === undefined || identity.revokedAtMs !== undefined) continue;
    const leftMs = identity.certificateExpiresAtMs - nowMs;
    if (leftMs >= lifetimeMs * LEFT_SHARE_MIN) continue;
    const when = leftMs > 0 ? `ends in ${duration(leftMs)}` : 'has ended';
    const message = `The certificate of node "${name}" ${when}, and was not renewed`;
    problems.push({ severity: 'warning', message, advice: 'Look at the log of its agent, and at its clock' });
    if (problems.length >= PROBLEMS_PER_KIND_MAX) break;
  }
  return problems;
}

function rotationProblems(state: IdentityTables, nowMs: number, lifetimeMs: number): FleetProblem[] {
  const { authorities, nodes, nodeIdentities } = state;
  const [oldest, next] = authorities;
  if (oldest === undefined || next === undefined) return [];
  const left = [...nodeIdentities.values()]
    .filter(({ authorityId, revokedAtMs }) => authorityId === oldest.id && revokedAtMs === undefined)
    .map(({ nodeId, name }) => nodes.get(nodeId)?.name ?? name)
    .sort();
  const some = left.slice(0, NAMES_MAX).join(', ');
  const names = left.length > NAMES_MAX ? `${some} and ${left.length - NAMES_MAX} more` : some;
  const who = left.length === 0 ? 'no node needs it any more' : `certificates from it are still with ${names}`;
  const leftMs = retiresAtMs(authorities, oldest, lifetimeMs)! - nowMs;
  const until =
    leftMs > 0
      ? `is trusted for ${duration(leftMs)} more`
      : 'is due to be retired, once nodes and members have changed over';
  const message = `Authority "${oldest.id}" was replaced ${duration(nowMs - next.createdAtMs)} ago and ${until}: ${who}`;
  const advice =
    'Nodes renew by themselves; "cellctl ca retire" ends it at once, and who still needs it must join anew';
  return [{ severity: 'warning', message: `${message}${pinning(state, oldest, nowMs)}`, advice }];
}

/** How many tokens, but not which: whoever may see the fleet need not know what tokens there are. */
function pinning(state: IdentityTables, oldest: AuthorityRow, nowMs: number): string {
  const count = tokensPinning(state, oldest, nowMs).length;
  if (count === 0) return '';
  const [tokens, them] = count === 1 ? ['1 token pins', 'it'] : [`${count} tokens pin`, 'them'];
  return `. ${tokens} it and must be made anew before that, or used with --cacert: an admin sees ${them} with "cellctl token list"`;
}

function duration(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / MS_PER_MINUTE));
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
