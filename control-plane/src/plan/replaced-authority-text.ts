import type { AuthorityRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { retiresAtMs, tokensPinning } from './replaced-authorities.ts';

type IdentityTables = Pick<FleetState, 'authorities' | 'nodes' | 'nodeIdentities' | 'tokens'>;

export interface ReplacedText {
  readonly message: string;
  readonly advice: string;
  /** Who depends on it has little time left, or it should be gone. Before that a rotation takes care of itself. */
  readonly isPressing: boolean;
}

/** A certificate that has less than this share of its life left should have been renewed long ago: at half of it. */
export const LEFT_SHARE_MIN = 1 / 4;
/** Time for members to find out that it is due, and to agree: they may have been off. */
const RETIRING_MS_MAX = 5 * 60_000;
const NAMES_MAX = 5;
const MS_PER_MINUTE = 60_000;

/** What there is to be known of the authority that goes next; undefined if none was replaced. Pure. */
export function describeReplaced(state: IdentityTables, nowMs: number, lifetimeMs: number): ReplacedText | undefined {
  const { authorities } = state;
  const [oldest, next] = authorities;
  if (oldest === undefined || next === undefined) return undefined;
  const nodes = nodesNeeding(state, oldest);
  const tokens = tokensPinning(state, oldest, nowMs).length;
  const leftMs = retiresAtMs(authorities, oldest, lifetimeMs)! - nowMs;
  const until =
    leftMs > 0
      ? `is trusted for ${durationText(leftMs)} more`
      : 'is due to be retired, once nodes and members have changed over';
  const replaced = `Authority "${oldest.id}" was replaced ${durationText(nowMs - next.createdAtMs)} ago and ${until}`;
  return {
    message: `${replaced}: ${namesText(nodes)}${pinningText(tokens)}`,
    advice: 'Nodes renew by themselves; "cellctl ca retire" ends it at once, and who still needs it must join anew',
    isPressing: leftMs < -RETIRING_MS_MAX || (leftMs < lifetimeMs * LEFT_SHARE_MIN && (nodes.length > 0 || tokens > 0)),
  };
}

function nodesNeeding({ nodes, nodeIdentities }: IdentityTables, { id }: AuthorityRow): string[] {
  return [...nodeIdentities.values()]
    .filter(({ authorityId, revokedAtMs }) => authorityId === id && revokedAtMs === undefined)
    .map(({ nodeId, name }) => nodes.get(nodeId)?.name ?? name)
    .sort();
}

function namesText(nodes: readonly string[]): string {
  if (nodes.length === 0) return 'no node needs it any more';
  const some = nodes.slice(0, NAMES_MAX).join(', ');
  const names = nodes.length > NAMES_MAX ? `${some} and ${nodes.length - NAMES_MAX} more` : some;
  return `certificates from it are still with ${names}`;
}

/** How many tokens, but not which: whoever may see the fleet need not know what tokens there are. */
function pinningText(count: number): string {
  if (count === 0) return '';
  const [tokens, them] = count === 1 ? ['1 token pins', 'it'] : [`${count} tokens pin`, 'them'];
  return `. ${tokens} it and must be made anew before that, or used with --cacert: an admin sees ${them} with "cellctl token list"`;
}

export function durationText(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / MS_PER_MINUTE));
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}
