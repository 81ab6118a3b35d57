import type { JobSpec, JobType, OnDisconnect } from '../job-spec.ts';
import { DEFAULT_NAMESPACE, NAMESPACE_ALLOWED, NAMESPACE_PATTERN } from '../names.ts';
import { choice } from './choice.ts';
import type { FieldSchemas } from './field-schema.ts';
import { commandLine, TEXT_BYTES_MAX, text } from './text.ts';
import { orEmpty, orZero, plainType, refuse, type ValueType } from './value-type.ts';
import { groupDigits, wholeNumber } from './whole-number.ts';

export const COUNT_MAX = 10_000;
export const ARGUMENTS_MAX = 256;
const PATH_BYTES_MAX = 4096;
const ARGUMENT_KIB_MAX = TEXT_BYTES_MAX / 1024;

type JobFields = Pick<
  JobSpec,
  'name' | 'namespace' | 'type' | 'count' | 'command' | 'user' | 'workingDirectory' | 'onDisconnect'
>;

/** What stands at the top of a job file. */
export const jobFields: FieldSchemas<JobFields> = {
  name: {
    key: 'name',
    type: text({
      allowed: '1 to 63 lower-case letters, digits and "-", with a letter or digit first and last',
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    }),
    required: true,
    default: '',
    doc: "The job's identity in the fleet. A file with the name of a job that is there makes its next version.",
    example: '"web"',
  },
  namespace: {
    key: 'namespace',
    type: text({ allowed: NAMESPACE_ALLOWED, pattern: NAMESPACE_PATTERN }),
    default: DEFAULT_NAMESPACE,
    doc:
      'Whom the job belongs to. Tokens may be limited to one namespace; then they see and change only what is in it. ' +
      "Secrets are the namespace's, too. Names of jobs are unique in the whole fleet all the same, and a job stays in " +
      'its namespace. Jobs of a token with a namespace can\'t have `sandbox = "none"`, `user`, `devices`, ' +
      "`environment_files` or `[credentials]`: those are the nodes' own.",
    example: '"team-a"',
  },
  type: {
    key: 'type',
    type: choice<JobType>({ service: 'service', batch: 'batch', system: 'system' }, { cron: 'is not there yet' }),
    default: 'service',
    doc:
      '`service` runs until it is stopped and is kept at its count. `batch` runs to completion, each instance once. ' +
      '`system` has one instance on every fitting node.',
    example: '"batch"',
  },
  count: {
    key: 'count',
    type: instanceCount(),
    default: 1,
    defaultByType: { system: 0 },
    defaultText: '`1`; system jobs have one on every fitting node',
    doc: 'How many instances are wanted.',
    example: '3',
  },
  command: {
    key: 'command',
    type: commandLine({
      allowed: `a list of 1 to ${ARGUMENTS_MAX} strings, each at most ${ARGUMENT_KIB_MAX} KiB, such as ["sleep", "60"]`,
      entriesMax: ARGUMENTS_MAX,
    }),
    required: true,
    default: [],
    doc:
      'Program and arguments. No shell is involved: for pipes and the like write `["sh", "-c", "…"]`. ' +
      'The program is looked for in the `PATH` of the environment.',
    example: `["my-server", "--port", "\${CELL_PORT_HTTP}"]`,
  },
  user: {
    key: 'user',
    type: orEmpty(
      text({
        allowed: 'the name of a user: 1 to 32 letters, digits, "_", "." and "-", with a letter or "_" first',
        pattern: /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/,
      }),
    ),
    default: '',
    defaultText: 'one made for the instance, where the node can',
    doc:
      'The user that the command runs as. It must exist on the node, and the agent must run as root to switch to it. ' +
      'Without it, and with the systemd runtime, it is one that is made for the instance and is gone with it; or root ' +
      'with `sandbox = "none"`. With the process runtime it is the one that the agent runs as.',
    example: '"www-data"',
  },
  workingDirectory: {
    key: 'working_directory',
    type: orEmpty(directory()),
    default: '',
    defaultText: "the allocation's own folder",
    doc:
      'The folder in which the command starts. A relative path stands for a folder beside the job file: the command-line ' +
      'tool makes it absolute, so it fits development on one machine, and a file from standard input must not have one.',
    example: '"/srv/www"',
  },
  onDisconnect: {
    key: 'on_disconnect',
    type: choice<OnDisconnect>({ keep: 'keep', stop: 'stop' }),
    default: 'keep',
    doc:
      "What the agent does when it can't reach the control plane for so long that the node's lease runs out. `keep`: " +
      'instances run on, although they may be placed elsewhere too. `stop`: they are stopped before the control plane ' +
      'may place them elsewhere, so that no instance runs twice; so they get 1 s at most between the stop signal and ' +
      'SIGKILL. It is the agent that stops them: while it is down or stands still, they run on until it is back.',
    example: '"stop"',
  },
};

/** 0 stands for a system job's in a JobSpec, and is never in a file. */
function instanceCount(): ValueType<number> {
  const remark = ' (left out for system jobs)';
  return orZero(wholeNumber({ min: 1, max: COUNT_MAX, remark }));
}

/** Absolute in a JobSpec; in a file also relative, which the reader of the file makes absolute. */
function directory(): ValueType<string> {
  const allowed = `an absolute path of at most ${groupDigits(PATH_BYTES_MAX)} bytes`;
  const path = text({ allowed, bytesMax: PATH_BYTES_MAX });
  return plainType(allowed, (value, siblings) => {
    const refusals = path.check(value, siblings);
    return refusals.length > 0 || String(value).startsWith('/') ? refusals : refuse(value, allowed);
  });
}
