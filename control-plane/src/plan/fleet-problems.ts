import type { JobRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { drainWaits } from './drain-waits.ts';
import type { FleetProblem } from './fleet-problem.ts';
import { jobSummary } from './job-summary.ts';
import { PROBLEMS_PER_KIND_MAX } from './limits.ts';
import { type ControlPlaneFacts, memberProblems } from './member-problems.ts';

/** All that is not right, the worst first; empty if all is right. */
export function fleetProblems(state: FleetState, controlPlane: ControlPlaneFacts): FleetProblem[] {
  const jobs = [...state.jobs.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  const problems = [
    ...memberProblems(state, controlPlane),
    ...nodeProblems(state),
    ...drainProblems(state),
    ...atMost(
      jobs.flatMap((job) => jobProblems(state, job)),
      'jobs',
    ),
  ];
  return [
    ...problems.filter(({ severity }) => severity === 'critical'),
    ...problems.filter(({ severity }) => severity === 'warning'),
  ];
}

function nodeProblems(state: FleetState): FleetProblem[] {
  const lost = [...state.nodes.values()].filter(({ status }) => status === 'lost');
  lost.sort((one, other) => (one.name < other.name ? -1 : 1));
  const problems: FleetProblem[] = lost.map(({ name, statusMessage }) => ({
    severity: 'warning',
    message: `Node "${name}" is lost${statusMessage === '' ? '' : `: ${statusMessage}`}`,
    advice: 'Start "cell-agent" there again, or leave it: what ran there is placed elsewhere',
  }));
  if (state.nodes.size === lost.length && state.jobs.size > 0) {
    const message = 'No node is ready: nothing can run';
    problems.unshift({ severity: 'critical', message, advice: 'Start an agent: see "cell-agent --help"' });
  }
  return atMost(problems, 'nodes');
}

/** Drains are not; but one that goes no further without help is. */
function drainProblems(state: FleetState): FleetProblem[] {
  const draining = [...state.drainingNodes].map((id) => state.nodes.get(id)).filter((node) => node !== undefined);
  draining.sort((one, other) => (one.name < other.name ? -1 : 1));
  return draining.slice(0, PROBLEMS_PER_KIND_MAX).flatMap((node): FleetProblem[] => {
    const stuck = drainWaits(state, node).filter((wait) => wait.stuck);
    const [first] = stuck;
    if (first === undefined) return [];
    const more = stuck.length === 1 ? '' : ` (and ${stuck.length - 1} more)`;
    const { job, instance } = first.row;
    const message = `The drain of node "${node.name}" is stuck: ${job}/${instance} ${first.reason}${more}`;
    const end =
      node.drain?.remainingMs === undefined
        ? `have it stopped after a while with "cellctl node drain ${node.name} --deadline 10m"`
        : 'let the deadline stop it';
    return [{ severity: 'warning', message, advice: `Help it (see "cellctl node show ${node.name}"), or ${end}` }];
  });
}

function jobProblems(state: FleetState, job: JobRow): FleetProblem[] {
  if (job.stopped) return [];
  const { slots } = jobSummary(state, job);
  const problems: FleetProblem[] = [];
  if (job.unplaced !== undefined) {
    const { count, reasons, hint } = job.unplaced;
    const what = count === 1 ? '1 instance is' : `${count} instances are`;
    const why = reasons[0] === undefined ? '' : `: ${reasons[0].reason}`;
    const advice =
      hint === '' ? `See "cellctl job show ${job.name}"` : `${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
    problems.push({ severity: 'critical', message: `Job "${job.name}": ${what} not placed${why}`, advice });
  }
  const unhealthy = slots.filter(({ active }) => active?.state === 'unhealthy');
  const [first] = unhealthy;
  if (first?.active !== undefined) {
    const where = state.nodes.get(first.active.nodeId)?.name ?? first.active.nodeId;
    const what = unhealthy.length === 1 ? '1 instance is' : `${unhealthy.length} instances are`;
    const message = `Job "${job.name}": ${what} unhealthy, among them ${first.instance} on "${where}"`;
    problems.push({ severity: 'critical', message, advice: `Read "cellctl allocation logs ${first.active.id}"` });
  }
  return problems;
}

function atMost(problems: FleetProblem[], what: string): FleetProblem[] {
  const left = problems.length - PROBLEMS_PER_KIND_MAX;
  if (left <= 0) return problems;
  const advice = `See "cellctl ${what === 'jobs' ? 'job' : 'node'} list"`;
  const rest: FleetProblem = { severity: 'warning', message: `${left} more problems with ${what}`, advice };
  return [...problems.slice(0, PROBLEMS_PER_KIND_MAX), rest];
}
