import type { CellClient, GetNodeResponse, Node } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { seconds } from '../../output/units.ts';
import { waitUntilDone } from '../../wait-until-done.ts';
import type { World } from '../../world.ts';
import { waitTexts } from './drain-view.ts';

const POLL_MS = 500;

export interface FollowedDrain {
  readonly response: GetNodeResponse;
  /** A sentence, if the node is not empty and the time to wait is over. */
  readonly overdue: string | undefined;
}

/**
 * Looks at the node until it is empty, or the time is over. Outlasts failovers: errors that pass are waited out.
 * Rejects with `CliError` `CELL_E_CONFLICT` if somebody ends the drain meanwhile.
 */
export function followDrain(
  world: World,
  client: CellClient,
  { id, name }: Node,
  timeoutMs: number | undefined,
): Promise<FollowedDrain> {
  const { clock, signal } = world;
  const startMs = clock.monotonicMs();
  return waitUntilDone<FollowedDrain>(world, {
    pollMs: POLL_MS,
    timeoutMs: Number.POSITIVE_INFINITY,
    look: async () => {
      const response = await client.nodes.getNode({ node: id }, { signal });
      const drain = response.node?.drain;
      if (drain === undefined) {
        throw new CliError(
          'CELL_E_CONFLICT',
          `Somebody has ended the drain of node "${name}"; what had gone stays away`,
        );
      }
      if (drain.finishedAt !== undefined) return { done: { response, overdue: undefined } };
      if (timeoutMs !== undefined && clock.monotonicMs() - startMs > timeoutMs) {
        const overdue =
          `Node "${name}" is not empty after ${seconds(timeoutMs)}; the drain goes on, ` +
          `"cellctl node show ${name}" shows it`;
        return { done: { response, overdue } };
      }
      const [first] = waitTexts(drain.waits.toSorted((one, other) => Number(other.stuck) - Number(one.stuck)));
      return { text: `${drain.remaining} left${first === undefined ? '' : `; ${first}`}` };
    },
    passes: ({ code }) => code !== 'CELL_E_NOT_FOUND',
    line: (text, passedMs) => `Node "${name}": ${text} (${Math.floor(passedMs / 1000)} s)`,
    overdue: (text) => text,
  });
}
