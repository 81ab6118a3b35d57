/** What may be submitted, by whom. Pure. */
import type { JobSpec } from '@cell/job';
import { CellError } from '../cell-error.ts';
import { secretKey } from '../model/identity.ts';
import type { Caller } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { namespaceOf } from './namespace-view.ts';

/** Throws `CELL_E_FORBIDDEN` with all that a token which is limited to a namespace may not ask for. */
export function checkSubmission(caller: Caller, spec: JobSpec): void {
  const namespace = namespaceOf(caller);
  if (namespace === undefined) return;
  if (spec.namespace !== namespace) {
    const message =
      `The token is limited to the namespace "${namespace}", and job "${spec.name}" is in "${spec.namespace}"; write ` +
      `namespace = "${namespace}" in its job file`;
    throw new CellError('CELL_E_FORBIDDEN', message);
  }
  const refused = sharedThings(spec);
  if (refused.length === 0) return;
  const message =
    `Job "${spec.name}" asks for ${refused.join(', ')}: that reaches what other namespaces have on a machine, and the ` +
    `token is limited to "${namespace}". Leave it out, or ask who has a token without a limit`;
  throw new CellError('CELL_E_FORBIDDEN', message);
}

/**
 * Throws `CELL_E_FORBIDDEN` if a token that is limited to a namespace would come by a command to what it may not submit:
 * somebody with more rights has put such a job into its namespace.
 */
export function checkEntry(caller: Caller, spec: JobSpec | undefined): void {
  const namespace = namespaceOf(caller);
  if (namespace === undefined) return;
  const refused = spec === undefined ? ['what is not known any more'] : sharedThings(spec);
  if (refused.length === 0) return;
  const message =
    `Job "${spec?.name ?? ''}" has ${refused.join(', ')}: a command in it would reach what other namespaces have on the ` +
    `machine, and the token is limited to "${namespace}". Ask who has a token without a limit`;
  throw new CellError('CELL_E_FORBIDDEN', message);
}

/** What a job would share with those of other namespaces, as the job file calls it. */
function sharedThings(spec: JobSpec): readonly string[] {
  const things: readonly (readonly [string, boolean])[] = [
    ['sandbox = "none"', spec.sandbox === 'none'],
    ['user', spec.user !== ''],
    ['devices', spec.devices.length > 0],
    ['credentials', Object.keys(spec.credentials).length > 0],
    ['environment_files', spec.environmentFiles.length > 0],
  ];
  return things.filter(([, asked]) => asked).map(([name]) => name);
}

/** Throws `CELL_E_NOT_FOUND` if the job names secrets that its namespace does not have. */
export function checkSecrets(state: Pick<FleetState, 'secrets'>, spec: JobSpec): void {
  const { namespace } = spec;
  const names = new Set(Object.values(spec.secrets));
  const missing = [...names].filter((name) => !state.secrets.has(secretKey({ namespace, name }))).sort();
  const [first] = missing;
  if (first === undefined) return;
  const which = missing.length === 1 ? `secret "${first}" is` : `secrets "${missing.join('", "')}" are`;
  const where = namespace === 'default' ? '' : ` --namespace ${namespace}`;
  const message =
    `Job "${spec.name}" needs what is not there: ${which} not set in the namespace "${namespace}"; say ` +
    `"cellctl secret set ${first}${where}" first`;
  throw new CellError('CELL_E_NOT_FOUND', message);
}

/** Throws `CELL_E_CONFLICT` if the job is there, in another namespace: names are unique in the fleet. */
export function checkOwner(state: Pick<FleetState, 'jobs'>, { name, namespace }: JobSpec): void {
  const owner = state.jobs.get(name)?.spec.namespace ?? namespace;
  if (owner === namespace) return;
  const message = `Job "${name}" belongs to namespace "${owner}" and can't move to "${namespace}"; give this job another name`;
  throw new CellError('CELL_E_CONFLICT', message);
}
