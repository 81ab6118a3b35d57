import { CellApiError, LogStream } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { parseSince } from './since.ts';

const LINES_MAX = 10_000_000;
const STREAMS = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;

export const allocationLogs = defineCommand({
  path: ['allocation', 'logs'],
  summary: 'output of one instance, byte for byte',
  description: [
    'Standard output and standard error of the workload both go to standard output.',
    'When the connection breaks, or the agent restarts, it says so on standard error and goes on where it stopped, ' +
      'without losing or repeating anything. Nodes with the "process" runtime keep no place to go on from, and do not ' +
      'know when lines were written: there it ends with an error, and --since is refused.',
  ],
  arguments: { ALLOCATION: { summary: 'its id or the beginning of it', completes: 'allocation' } },
  flags: {
    follow: { kind: 'switch', short: 'f', summary: 'go on with what comes, until the instance ends or Ctrl-C' },
    lines: { kind: 'count', short: 'n', value: 'N', min: 0, max: LINES_MAX, summary: 'begin with so many last lines' },
    since: {
      kind: 'text',
      value: 'TIME',
      summary: 'only what was written since then: "10m" ago, or a time such as "2026-01-31T08:00:00Z"',
    },
    stream: {
      kind: 'choice',
      choices: ['both', 'stdout', 'stderr'],
      default: 'both',
      summary: 'which output of the workload',
    },
  },
  examples: [
    { command: 'cellctl allocation logs -f -n 20 01KA7Q2M9XW4T', what: 'The last 20 lines, and what follows' },
    { command: 'cellctl allocation logs --since 10m 01KA7Q2M9XW4T', what: 'What was written in the last ten minutes' },
  ],
  async run({ arguments: { ALLOCATION }, flags, world, client, note }) {
    const request = {
      allocationId: ALLOCATION,
      follow: flags.follow,
      stream: STREAMS[flags.stream],
      ...(flags.lines === undefined ? {} : { tailLines: flags.lines }),
      ...(flags.since === undefined ? {} : { since: parseSince(flags.since, world.clock.wallMs()) }),
    };
    let begun = false;
    let goesOn = false;
    // What to do about it is done already, so only what happened is said.
    const onBreak = ({ message }: Error) =>
      void note(`Output broke off, and goes on where it stopped: ${message.split('; ')[0]}`);
    try {
      for await (const { data, cursor } of client().readLogs(request, { signal: world.signal, onBreak })) {
        begun = true;
        goesOn ||= cursor !== '';
        await world.output.write(data);
      }
    } catch (error) {
      if (!begun || goesOn || !flags.follow || !(error instanceof CellApiError)) throw error;
      const advice = `this node keeps no place to go on from; "cellctl allocation logs -f -n 100 ${ALLOCATION}" goes on`;
      throw new CliError(error.code as `CELL_E_${string}`, `${error.message}; ${advice} with the last lines`);
    }
    world.signal.throwIfAborted();
  },
});
