import { spawnSync } from 'node:child_process';
import { PackagingError } from './packaging-error.ts';

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const OUTPUT_LINES_SHOWN_MAX = 40;

interface CommandOptions {
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** The standard output of a command that ends well; else an error that shows the last that it said. */
export function runCommand(command: string, parameters: readonly string[], options: CommandOptions = {}): string {
  const { status, error, stdout, stderr } = spawnSync(command, parameters, {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    cwd: options.cwd,
    env: options.environment ?? process.env,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  if (error !== undefined) throw new PackagingError(`Cannot run "${command}"; is it installed?`, { cause: error });
  if (status === 0) return stdout;
  const shown = `${stdout}${stderr}`.trimEnd().split('\n').slice(-OUTPUT_LINES_SHOWN_MAX).join('\n');
  throw new PackagingError(`"${command} ${parameters.join(' ')}" failed with ${status}:\n${shown}`);
}
