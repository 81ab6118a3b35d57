import { describeIssue, diffSpecs, type JobSpec, validateSpec } from '@cell/job';
import { specFromProto } from '@cell/job/wire';
import { JobService, type JobSpec as SaidSpec, type StopJobRequest, type SubmitJobRequest } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import { isFinal } from '../model/entities.ts';
import { previewJob } from '../plan/preview-job.ts';
import type { EnteredCall } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { checkOwner, checkSecrets, checkSubmission } from './check-submission.ts';
import { findJob } from './find.ts';
import { namespaceOf, visibleTo } from './namespace-view.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { allocationsToProto, jobToProto, placementFailureToProto } from './to-proto.ts';

const { method } = JobService;
/** Placements that a preview looks at. */
const previewPlacementsMax = 10_000;

/** What should run, for people. */
export function registerJobService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, JobService, {
    planJob: calls.unary(method.planJob, async ({ spec }, { caller, timeoutMs }) => {
      const checked = readSpec(spec);
      checkSubmission(caller, checked);
      const state = await readState(parts, false, timeoutMs);
      checkOwner(state, checked);
      checkSecrets(state, checked);
      return preview(parts, state, checked);
    }),
    submitJob: calls.unary(method.submitJob, (request, { entered, timeoutMs }) => {
      return submitJob(parts, request, entered, timeoutMs);
    }),
    listJobs: calls.unary(method.listJobs, async ({ stale }, { caller, timeoutMs }) => {
      const state = visibleTo(caller, await readState(parts, stale, timeoutMs));
      const jobs = [...state.jobs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { jobs: jobs.map((job) => jobToProto(state, job)), index: BigInt(state.index) };
    }),
    getJob: calls.unary(method.getJob, async ({ name, stale }, { caller, timeoutMs }) => {
      const state = visibleTo(caller, await readState(parts, stale, timeoutMs));
      const row = findJob(state, name);
      const allocations = allocationsToProto(state, state.allocationsOfJob(name));
      return { job: jobToProto(state, row), allocations, index: BigInt(state.index) };
    }),
    stopJob: calls.unary(method.stopJob, (request, { entered, timeoutMs }) => {
      return stopJob(parts, request, entered, timeoutMs);
    }),
  });
}

/** Makes the specification the job's newest version. */
export async function submitJob(parts: MadeParts, request: SubmitJobRequest, entered: EnteredCall, timeoutMs: number) {
  const spec = readSpec(request.spec);
  checkSubmission(entered.caller, spec);
  await checkSecretsFresh(parts, spec, timeoutMs);
  const expectedIndex = request.expectedIndex === undefined ? undefined : Number(request.expectedIndex);
  const audit = entered.note(`job/${spec.name}`);
  const command = { kind: 'submit-job', timeMs: parts.clock.wallMs(), audit, spec, expectedIndex } as const;
  const result = await submitCommand(parts, command, timeoutMs);
  const version = BigInt(Number(result['version']));
  return { version, index: BigInt(result.index), unchanged: result['unchanged'] === true };
}

/** Marks the job as stopped. */
export async function stopJob(parts: MadeParts, { name }: StopJobRequest, entered: EnteredCall, timeoutMs: number) {
  if (name === '') throw new CellError('CELL_E_INVALID', 'The job is missing: give its name');
  if (namespaceOf(entered.caller) !== undefined) {
    findJob(visibleTo(entered.caller, await readState(parts, false, timeoutMs)), name);
  }
  const audit = entered.note(`job/${name}`);
  const command = { kind: 'stop-job', timeMs: parts.clock.wallMs(), audit, name } as const;
  const { index } = await submitCommand(parts, command, timeoutMs);
  return { index: BigInt(index), stopping: stillThere(parts.consensus.state, name) };
}

/** A secret that was set at another member just now may not be known here yet. */
async function checkSecretsFresh(parts: MadeParts, spec: JobSpec, timeoutMs: number): Promise<void> {
  try {
    checkSecrets(parts.consensus.state, spec);
  } catch {
    checkSecrets(await readState(parts, false, timeoutMs), spec);
  }
}

/** Throws `CELL_E_INVALID` with everything that is wrong. */
function readSpec(said: SaidSpec | undefined): JobSpec {
  if (said === undefined) throw new CellError('CELL_E_INVALID', 'The specification is missing');
  const spec = specFromProto(said);
  const issues = validateSpec(spec);
  if (issues.length === 0) return spec;
  const problems = issues.map((issue) => describeIssue(issue)).join('; ');
  throw new CellError('CELL_E_INVALID', `The specification of job "${spec.name}" is wrong: ${problems}`);
}

function stillThere(state: FleetState, name: string): number {
  let count = 0;
  for (const allocation of state.allocationsOfJob(name)) if (!isFinal(allocation)) count += 1;
  return count;
}

function preview({ clock, random }: MadeParts, state: FleetState, spec: JobSpec) {
  const before = state.jobs.get(spec.name);
  const inputs = { nowMs: clock.wallMs(), seed: random(), placementsMax: previewPlacementsMax };
  const { version, unchanged, actions, unplaced } = previewJob(state, spec, inputs);
  const fields = diffSpecs(before?.spec, spec).map(({ path, before, after }) => ({ path, before, after }));
  return {
    index: BigInt(before?.modifyIndex ?? 0),
    unchanged,
    fields,
    actions: actions.map(({ kind, instance, nodeName, reason, allocationId }) => ({
      kind,
      instance,
      nodeName,
      reason,
      allocationId,
    })),
    ...(unplaced === undefined ? {} : { unplaced: placementFailureToProto(unplaced) }),
    version: BigInt(version),
  };
}
