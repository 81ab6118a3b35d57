import type { FleetState } from '../state/fleet-state.ts';
import type { Plan, PlanInputs } from './plan.ts';
import { PlanDraft } from './plan-draft.ts';
import { planJob } from './plan-job.ts';

/**
 * What should change so that these jobs become what is wanted of them. Pure: reads the state and changes nothing. Jobs
 * are planned in the given order, each seeing what the ones before took. Carried out, and once everything placed is
 * healthy, the same call gives an empty plan.
 */
export function planJobs(state: FleetState, jobs: Iterable<string>, inputs: PlanInputs): Plan {
  const draft = new PlanDraft(state, inputs);
  for (const name of new Set(jobs)) {
    const job = state.jobs.get(name);
    if (job === undefined) continue;
    if (draft.full) draft.unfinished(name);
    else planJob(draft, job);
  }
  return draft.finish();
}
