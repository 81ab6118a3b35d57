import { LogStream } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';

const LINES_MAX = 10_000_000;
const STREAMS = { both: LogStream.UNSPECIFIED, stdout: LogStream.STDOUT, stderr: LogStream.STDERR } as const;

export const allocationLogs = defineCommand({
  path: ['allocation', 'logs'],
  summary: 'output of one instance, byte for byte',
  description: ['Standard output and standard error of the workload both go to standard output.'],
  arguments: { ALLOCATION: { summary: 'its id or the beginning of it', completes: 'allocation' } },
  flags: {
    follow: { kind: 'switch', short: 'f', summary: 'go on with what comes, until the instance ends or Ctrl-C' },
    lines: { kind: 'count', short: 'n', value: 'N', min: 0, max: LINES_MAX, summary: 'begin with so many last lines' },
    stream: {
      kind: 'choice',
      choices: ['both', 'stdout', 'stderr'],
      default: 'both',
      summary: 'which output of the workload',
    },
  },
  examples: [
    { command: 'cellctl allocation logs -f -n 20 01KA7Q2M9XW4T', what: 'The last 20 lines, and what follows' },
  ],
  async run({ arguments: { ALLOCATION }, flags, world, client }) {
    const request = { allocationId: ALLOCATION, follow: flags.follow, stream: STREAMS[flags.stream] };
    const tail = flags.lines === undefined ? {} : { tailLines: flags.lines };
    const stream = client().allocations.streamLogs({ ...request, ...tail }, { signal: world.signal });
    for await (const { data } of stream) await world.output.write(data);
    world.signal.throwIfAborted();
  },
});
