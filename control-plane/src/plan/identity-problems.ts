import type { FleetState } from '../state/fleet-state.ts';
import type { FleetProblem } from './fleet-problem.ts';
import { PROBLEMS_PER_KIND_MAX } from './limits.ts';
import { describeReplaced, durationText, LEFT_SHARE_MIN } from './replaced-authority-text.ts';

type IdentityTables = Pick<FleetState, 'authorities' | 'nodes' | 'nodeIdentities' | 'tokens'>;

/** What is not right with certificates. `lifetimeMs`: how long they live. */
export function identityProblems(state: IdentityTables, nowMs: number, lifetimeMs: number): FleetProblem[] {
  const replaced = describeReplaced(state, nowMs, lifetimeMs);
  const problems = certificateProblems(state, nowMs, lifetimeMs);
  if (replaced?.isPressing !== true) return problems;
  return [{ severity: 'warning', message: replaced.message, advice: replaced.advice }, ...problems];
}

function certificateProblems({ nodes, nodeIdentities }: IdentityTables, nowMs: number, lifetimeMs: number) {
  const problems: FleetProblem[] = [];
  const ready = [...nodes.values()].filter(({ status }) => status === 'ready');
  for (const { id, name } of ready.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const identity = nodeIdentities.get(id);
    if (identity === undefined || identity.revokedAtMs !== undefined) continue;
    const leftMs = identity.certificateExpiresAtMs - nowMs;
    if (leftMs >= lifetimeMs * LEFT_SHARE_MIN) continue;
    const when = leftMs > 0 ? `ends in ${durationText(leftMs)}` : 'has ended';
    const message = `The certificate of node "${name}" ${when}, and was not renewed`;
    problems.push({ severity: 'warning', message, advice: 'Look at the log of its agent, and at its clock' });
    if (problems.length >= PROBLEMS_PER_KIND_MAX) break;
  }
  return problems;
}
