import { type Conflict, conflict, missing, type Rule } from './conflict.ts';
import { isolationRules } from './isolation-rules.ts';
import type { Issue, IssuePath } from './issue.ts';
import type { HealthCheck, JobSpec } from './job-spec.ts';
import { nearestWord } from './nearest-word.ts';
import { renderDuration } from './schema/duration.ts';
import { COUNT_MAX } from './schema/job-fields.ts';
import { CONSTRAINTS_MAX, PORTS_MAX } from './schema/placement-fields.ts';
import { byteLength } from './schema/text.ts';
import { groupDigits } from './schema/whole-number.ts';
import { renderValue } from './toml-text.ts';

/**
 * Text of the command, the health check's command and the environment together, in bytes of UTF-8. Specifications
 * travel in one message and stand in the replicated log, and all of this must fit into one start of a process.
 */
export const SPEC_TEXT_BYTES_MAX = 256 * 1024;

/** What doesn't fit together in a specification, left out where a field that it was drawn from is refused already. */
export function brokenRules(spec: JobSpec, refused: readonly Issue[]): Issue[] {
  const paths = refused.filter((issue) => issue.kind !== 'unknown-key').map((issue) => issue.path);
  // Lists over their limit are refused already; rules compare each with each.
  const bounded = {
    ...spec,
    ports: spec.ports.slice(0, PORTS_MAX),
    constraints: spec.constraints.slice(0, CONSTRAINTS_MAX),
  };
  const conflicts = rules.flatMap((rule) => rule(bounded));
  const standing = conflicts.filter(
    ({ because }) => !because.some((path) => paths.some((other) => overlap(path, other))),
  );
  return standing.map(({ issue }) => issue);
}

/** Whether one of the paths leads to the other. */
function overlap(one: IssuePath, other: IssuePath): boolean {
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((part, index) => part === other[index]);
}

const rules: readonly Rule[] = [
  countFitsType,
  portsDiffer,
  constraintsHaveValues,
  healthFieldsFitType,
  healthPortIsThere,
  batchJobsEnd,
  delaysGrow,
  textFitsInAll,
  referencesAreKnown,
  ...isolationRules,
];

function countFitsType({ type, count }: JobSpec): readonly Conflict[] {
  const because = [['count'], ['type']];
  if (type === 'system') {
    const allowed = 'left out for system jobs, which have one instance on every fitting node';
    return count === 0 ? [] : [conflict(['count'], count, allowed, because)];
  }
  return count > 0 ? [] : [conflict(['count'], count, `a whole number from 1 to ${groupDigits(COUNT_MAX)}`, because)];
}

function portsDiffer({ ports }: JobSpec): readonly Conflict[] {
  return ports.flatMap((port, index) => {
    const earlier = ports.slice(0, index);
    const sameName = earlier.findIndex((other) => other.name === port.name);
    const sameNumber = earlier.findIndex((other) => port.port !== 0 && other.port === port.port);
    const found: Conflict[] = [];
    const add = (key: 'name' | 'port', same: number) => {
      const path: IssuePath = ['ports', index, key];
      const allowed = `another one than that of ports[${same}]`;
      if (same >= 0) found.push(conflict(path, port[key], allowed, [path, ['ports', same, key]]));
    };
    add('name', sameName);
    add('port', sameNumber);
    return found;
  });
}

function constraintsHaveValues({ constraints }: JobSpec): readonly Conflict[] {
  return constraints.flatMap(({ operator, value }, index) => {
    const presence = operator === 'exists' || operator === 'not-exists';
    const path: IssuePath = ['constraints', index, 'value'];
    const allowed = 'a string, a number, or for "in" and "not in" a list of them';
    return presence || value !== '' ? [] : [missing(path, allowed, [path, ['constraints', index, 'operator']])];
  });
}

/** Which fields a health check of each type has. */
const healthFieldsByType = { http: ['port', 'path'], tcp: ['port'], exec: ['command'] } as const;
const healthFieldsOfSome = {
  port: 'the name of one of the ports',
  path: 'a path such as "/healthz"',
  command: 'a list of strings, such as ["pg_isready", "-q"]',
} as const;

function healthFieldsFitType({ health }: JobSpec): readonly Conflict[] {
  if (health === undefined) return [];
  const wanted: readonly string[] = healthFieldsByType[health.type] ?? [];
  return (Object.keys(healthFieldsOfSome) as (keyof typeof healthFieldsOfSome)[]).flatMap((key) => {
    const path: IssuePath = ['health', key];
    const because: IssuePath[] = [path, ['health', 'type']];
    const given = health[key].length > 0;
    if (given === wanted.includes(key)) return [];
    // With broken ports it can't be told which one would have been the default.
    if (!given) return [missing(path, healthFieldsOfSome[key], key === 'port' ? [...because, ['ports']] : because)];
    return [conflict(path, health[key], `left out for ${health.type} checks`, because)];
  });
}

function healthPortIsThere({ health, ports }: JobSpec): readonly Conflict[] {
  if (health === undefined || !portIsChecked(health) || ports.some(({ name }) => name === health.port)) return [];
  const names = ports.map(({ name }) => renderValue(name));
  const allowed = `the name of one of the ports${names.length === 0 ? ', and there are none' : `: ${names.join(', ')}`}`;
  // The list as a whole, and each of its names; a wrong number doesn't matter.
  const because: IssuePath[] = [['ports', ''], ...ports.map((_, index) => ['ports', index, 'name'])];
  return [conflict(['health', 'port'], health.port, allowed, [['health', 'port'], ['health', 'type'], ...because])];
}

function portIsChecked(health: HealthCheck): boolean {
  return (health.type === 'http' || health.type === 'tcp') && health.port !== '';
}

function batchJobsEnd({ type, restart }: JobSpec): readonly Conflict[] {
  if (type !== 'batch' || restart.mode !== 'always') return [];
  const path: IssuePath = ['restart', 'mode'];
  return [conflict(path, restart.mode, '"on-failure" or "never" for batch jobs, which are to end', [path, ['type']])];
}

function delaysGrow({ restart }: JobSpec): readonly Conflict[] {
  if (restart.delayMs <= restart.delayMaxMs) return [];
  const because: IssuePath[] = [
    ['restart', 'delay'],
    ['restart', 'delay_max'],
  ];
  return [
    conflict(
      ['restart', 'delay_max'],
      renderDuration(restart.delayMaxMs),
      `at least delay, "${renderDuration(restart.delayMs)}"`,
      because,
    ),
  ];
}

function textFitsInAll({ command, environment, health }: JobSpec): readonly Conflict[] {
  const texts = [...command, ...(health?.command ?? []), ...Object.entries(environment).flat()];
  const bytes = texts.reduce((sum, text) => sum + byteLength(text), 0);
  if (bytes <= SPEC_TEXT_BYTES_MAX) return [];
  const allowed = `at most ${SPEC_TEXT_BYTES_MAX / 1024} KiB long together with the environment and the health check's command`;
  const message = `must be ${allowed}; it is ${Math.ceil(bytes / 1024)} KiB`;
  const because: IssuePath[] = [['command'], ['environment'], ['health', 'command']];
  return [{ issue: { path: ['command'], kind: 'conflict', value: command, message, allowed }, because }];
}

/** Unknown references that are named; finding what was meant takes a while for each. */
const UNKNOWN_REFERENCES_MAX = 20;
const REFERENCE = /\$\{(CELL_[A-Z0-9_]*)\}/g;
const referencesAlways = [
  'CELL_JOB',
  'CELL_ALLOCATION',
  'CELL_INSTANCE',
  'CELL_JOB_VERSION',
  'CELL_NODE',
  'CELL_ADDRESS',
];

/** `${CELL_…}` stands for what the agent knows when it starts an instance; with any other name it could not start one. */
function referencesAreKnown(spec: JobSpec): readonly Conflict[] {
  const ofPorts = spec.ports.map(({ name }) => `CELL_PORT_${name.toUpperCase().replaceAll('-', '_')}`);
  const known = [...referencesAlways, ...ofPorts];
  const ports: IssuePath[] = [['ports', ''], ...spec.ports.map((_, index) => ['ports', index, 'name'])];
  const unknown = textsWithReferences(spec).flatMap(([path, text]) => {
    const names = new Set([...text.matchAll(REFERENCE)].flatMap(([, name]) => name ?? []));
    return [...names].filter((name) => !known.includes(name)).map((name) => ({ path, text, name }));
  });
  return unknown.slice(0, UNKNOWN_REFERENCES_MAX).map(({ path, text, name }): Conflict => {
    const nearest = nearestWord(name, known);
    const suggestion = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    const allowed = `free of references other than to ${known.join(', ')}`;
    const message = `refers to ${name}, which is not there${suggestion}`;
    return { issue: { path, kind: 'conflict', value: text, message, allowed }, because: [path, ...ports] };
  });
}

function textsWithReferences(spec: JobSpec): readonly (readonly [IssuePath, string])[] {
  return [
    ...spec.command.map((text, index) => [['command', index], text] as const),
    ...Object.entries(spec.environment).map(([name, text]) => [['environment', name], text] as const),
    [['working_directory'], spec.workingDirectory],
    ...(spec.health?.command ?? []).map((text, index) => [['health', 'command', index], text] as const),
  ];
}
