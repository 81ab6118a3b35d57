import type { AllocationState } from './reconcile/model.ts';

/** States in which a command runs. */
const RUNNING: readonly AllocationState[] = ['running', 'healthy', 'unhealthy'];

/** What the status says of the session. */
export interface LinkStatus {
  readonly connected: boolean;
  /** "host:port" of the member that the session is with. */
  readonly member: string;
  /** Why there is no session. */
  readonly problem: string;
}

/** How an agent is, for people who look at its unit. `identityProblem`: what keeps it from a certificate, a sentence. */
export function describeAgent(
  counts: ReadonlyMap<AllocationState, number>,
  link: LinkStatus,
  identityProblem = '',
): string {
  const running = RUNNING.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
  const work = `Runs ${running} ${running === 1 ? 'allocation' : 'allocations'}`;
  const problem = identityProblem === '' ? link.problem : identityProblem;
  if (!link.connected) return `${work}; no session with the control plane: ${problem}`;
  const remark = identityProblem === '' ? '' : `. ${identityProblem}`;
  return `${work}; session with the control plane at ${link.member}${remark}`;
}
