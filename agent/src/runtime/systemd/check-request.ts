import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { AgentError } from '../../agent-error.ts';
import type { RunRequest } from '../../ports.ts';
import { isAllocationId } from './run-notes.ts';

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** See exit-status.ts. */
const NOT_EXECUTED = 'status 203';
const JOB_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** systemd takes tabs and line breaks in values, and no other control characters. */
const CONTROL_CHARACTER = /[^\P{Cc}\t\n]/u;
/**
 * systemd writes transient units to files, paths in them as they are, and reads those when it loads its units anew: as
 * every installation of a package may have it do. A line of its own would be a setting, with all of root's rights.
 */
const NOT_ON_ONE_LINE = /\p{Cc}|\\$/u;
/** systemd.service(5), "Special executable prefixes": read from such files, too. */
const PREFIX = /^[-+!@:|]/;

/** Rejects with `CELL_E_CANNOT_RUN` for what systemd would refuse in words that help nobody, or not at all. */
export async function checkRequest(request: RunRequest, secretsFolder: string): Promise<void> {
  if (!isAllocationId(request.id)) throw refused(`Could not use "${request.id}" as the id of an allocation`);
  if (!JOB_NAME.test(request.jobName)) throw refused(`Could not use "${request.jobName}" as the name of a job`);
  for (const [name, value] of Object.entries(request.environment)) {
    if (!VARIABLE_NAME.test(name) || CONTROL_CHARACTER.test(value)) {
      const allowed = 'names are letters, digits and "_", values are without control characters';
      throw refused(`Could not set the environment variable "${name}": ${allowed}`);
    }
  }
  if (request.command.some((argument) => argument.includes('\0'))) {
    throw refused('Could not pass an argument of the command on: it contains NUL');
  }
  checkPaths(request);
  const { credentials, environmentFiles } = request.isolation;
  for (const file of [...Object.values(credentials), ...environmentFiles]) await checkSecret(secretsFolder, file);
}

function checkPaths({ command, environment, user, workingDirectory, isolation }: RunRequest): void {
  const paths = {
    user: [user],
    'working directory': [workingDirectory],
    'PATH of the environment': (environment['PATH'] ?? '').split(':'),
    device: isolation.devices,
  };
  for (const [what, values] of Object.entries(paths)) {
    const wrong = values.find((value) => NOT_ON_ONE_LINE.test(value));
    if (wrong === undefined) continue;
    const allowed = 'it must be without control characters, and without a backslash at the end';
    throw refused(`Could not use ${JSON.stringify(wrong)} as ${what}: ${allowed}`);
  }
  const [program = ''] = command;
  if (!PREFIX.test(program) || program.includes('/')) return;
  throw refused(`Could not run the command "${program}": for a name like this say the whole path`);
}

async function checkSecret(folder: string, file: string): Promise<void> {
  if (file.includes('/') || file.startsWith('.')) throw refused(`Could not use "${file}" as the name of a secret`);
  if ((await statOf(join(folder, file)))?.isFile() === true) return;
  throw refused(`Could not find the secret "${file}" of this node; put it into "${folder}", readable by root only`);
}

/** Groups that may use the devices which the run asks for; root's own needs no help. */
export async function deviceGroupsOf({ isolation }: RunRequest): Promise<number[]> {
  const paths = isolation.devices.map((device) => device.slice(0, device.lastIndexOf(':')));
  const groups = await Promise.all(paths.map(async (path) => Number((await statOf(path))?.gid ?? 0)));
  return [...new Set(groups)].filter((group) => group !== 0);
}

/** Why a program could not be executed, as far as can be seen from outside of its sandbox; undefined if it can't. */
export async function explainNotExecuted(
  { command, environment }: RunRequest,
  { message }: AgentError,
): Promise<string | undefined> {
  if (!message.includes(NOT_EXECUTED)) return undefined;
  const program = command[0] ?? '';
  const path = environment['PATH'] ?? '';
  if (!program.includes('/')) {
    const found = await firstExecutable(program, path.split(':').filter(isAbsolute));
    return found === undefined ? `Could not find the command "${program}" in PATH "${path}"` : undefined;
  }
  if (!isAbsolute(program)) return undefined;
  if (await isMissing(program)) return `Could not find the command "${program}"`;
  const status = await statOf(program);
  if (status === undefined) return undefined;
  if (!status.isFile()) return `Could not run the command "${program}": it is not a file`;
  if (!(await isExecutable(program))) return `Could not run the command "${program}": it may not be executed`;
  return undefined;
}

async function firstExecutable(program: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, program);
    if ((await statOf(path))?.isFile() === true && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** As opposed to hidden: the agent's own unit keeps it from homes, for one. */
function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  return stat(path).catch(() => undefined);
}

function refused(message: string): AgentError {
  return new AgentError('CELL_E_CANNOT_RUN', message);
}
