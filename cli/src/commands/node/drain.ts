import {
  type CellClient,
  DrainNodeResponseSchema,
  GetNodeResponseSchema,
  type Node,
  type PlainValue,
  plainMessage,
} from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';
import type { View } from '../../output/view.ts';
import { Interruption, type World } from '../../world.ts';
import { deadlineText, leavingText, waitTexts } from './drain-view.ts';
import { type FollowedDrain, followDrain } from './follow-drain.ts';

const DEADLINE_MS = 60 * 60 * 1000;
const LEFT_EXIT_CODE = 2;

export const nodeDrain = defineCommand({
  path: ['node', 'drain'],
  summary: 'move everything off a node, as before work on the machine',
  description: [
    'The node takes nothing new from then on. Instances of services move a few at a time, as in a rollout: one stops ' +
      'when its replacement on another node is healthy. Batch instances may run to their end. Allocations of system ' +
      'jobs stop last. What is still there at the deadline is stopped; what was stopped runs again elsewhere if there ' +
      'is room. On a terminal it says what will go, and asks first.',
    'It then waits until the node is empty; Ctrl-C ends the waiting only, not the drain. Said again, it gives the ' +
      'drain a new deadline. The node stays out until "cellctl node undrain".',
  ],
  arguments: { NODE: { summary: 'its name, or its id or the beginning of it', completes: 'node' } },
  flags: {
    ...outputFlagSpecs,
    deadline: {
      kind: 'duration',
      min: '0s',
      max: '365d',
      summary: 'when what is left is stopped, counted from now; "1h" if nothing is said',
    },
    'no-deadline': { kind: 'switch', summary: 'wait for as long as it takes' },
    now: { kind: 'switch', summary: 'stop all at once, as with "--deadline 0s"' },
    'keep-system-jobs': { kind: 'switch', summary: 'allocations of system jobs stay' },
    detach: { kind: 'switch', short: 'd', summary: 'do not wait until the node is empty' },
    timeout: { kind: 'duration', min: '1s', max: '365d', summary: 'how long to wait; if nothing is said, to the end' },
    yes: { kind: 'switch', short: 'y', summary: 'do not ask' },
  },
  exitCodes: {
    0: 'the node is empty; with --detach: it is being drained',
    1: 'error',
    2: 'it is being drained, but the time to wait was over, or, with --detach, something finds no room elsewhere',
  },
  examples: [
    { command: 'cellctl node drain node-1', what: 'Empty it within an hour, and see it happen' },
    { command: 'cellctl node drain node-1 --no-deadline --detach --yes', what: 'Whenever its batch jobs are done' },
    { command: 'cellctl node drain node-1 --now', what: 'The machine is about to fail' },
  ],
  async run({ arguments: { NODE }, flags, world, client, print, note }) {
    const deadlineMs = readDeadline(flags.deadline, flags['no-deadline'], flags.now);
    const keepSystemJobs = flags['keep-system-jobs'];
    if (!flags.yes && canAsk(world)) {
      const response = await client().nodes.getNode({ node: NODE }, { signal: world.signal });
      await confirm(world, `${leavingText(response)}; ${deadlineText(deadlineMs)}. Drain it?`);
    }
    const request = { node: NODE, keepSystemJobs, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
    const response = await client().nodes.drainNode(request, { signal: world.signal });
    const { node } = response;
    if (node === undefined) throw new CliError('CELL_E_INTERNAL', 'The control plane answered without a node');
    if (flags.detach) return leave(node, plainMessage(DrainNodeResponseSchema, response), print);
    return conclude(await follow(world, client(), node, flags.timeout, note), print, note);
  },
});

/** In milliseconds; undefined: none. */
function readDeadline(deadlineMs: number | undefined, none: boolean, now: boolean): bigint | undefined {
  if (Number(deadlineMs !== undefined) + Number(none) + Number(now) > 1) {
    throw new CliError('CELL_E_USAGE', 'Say one of "--deadline", "--no-deadline" and "--now"');
  }
  if (none) return undefined;
  return now ? 0n : BigInt(deadlineMs ?? DEADLINE_MS);
}

/** Without waiting: whether all of it will go, as far as that can be told now. */
async function leave(node: Node, plain: PlainValue, print: (view: View) => Promise<void>): Promise<number> {
  const stuck = (node.drain?.waits ?? []).filter((wait) => wait.stuck);
  await print({
    plain: () => plain,
    text: () => {
      const lines = waitTexts(stuck).map((line) => `  ${line}\n`);
      return `Node "${node.name}" ${drainingText(node)}\n${lines.join('')}`;
    },
  });
  return stuck.length === 0 ? 0 : LEFT_EXIT_CODE;
}

function drainingText({ drain }: Node): string {
  if (drain?.finishedAt !== undefined) return 'is drained: nothing is left on it';
  const { remaining = 0 } = drain ?? {};
  return `is being drained: ${remaining} ${remaining === 1 ? 'allocation has' : 'allocations have'} to go`;
}

async function follow(
  world: World,
  client: CellClient,
  node: Node,
  timeoutMs: number | undefined,
  note: (text: string) => Promise<void>,
): Promise<FollowedDrain> {
  try {
    return await followDrain(world, client, node, timeoutMs);
  } catch (error) {
    if (world.signal.reason instanceof Interruption) {
      const ends = `"cellctl node undrain ${node.name}" ends it`;
      await note(`Not waiting any more; the drain goes on: "cellctl node show ${node.name}" shows it, ${ends}`);
    }
    throw error;
  }
}

async function conclude(
  { response, overdue }: FollowedDrain,
  print: (view: View) => Promise<void>,
  note: (text: string) => Promise<void>,
): Promise<number> {
  const { node } = response;
  if (node === undefined) throw new CliError('CELL_E_INTERNAL', 'The control plane answered without a node');
  if (overdue !== undefined) await note(overdue);
  await print({
    plain: () => plainMessage(GetNodeResponseSchema, response),
    text: () => {
      const lines = waitTexts(node.drain?.waits ?? []).map((line) => `  ${line}\n`);
      return `Node "${node.name}" ${drainingText(node)}\n${lines.join('')}`;
    },
  });
  return overdue === undefined ? 0 : LEFT_EXIT_CODE;
}
