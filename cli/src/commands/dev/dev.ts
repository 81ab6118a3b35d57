import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { Progress } from '../../output/progress.ts';

export const dev = defineCommand({
  path: ['dev'],
  summary: 'a fleet of one for a laptop: control plane and agent in this process',
  description: [
    'Runs until Ctrl-C, which stops all jobs first and leaves nothing running. Without --data everything is kept in a ' +
      'temporary folder, which goes away at the end. Jobs run as ordinary processes of yours.',
    'It has an authority of its own. Its admin is whoever can read the file with the token, which is only you.',
  ],
  arguments: {},
  flags: {
    data: {
      kind: 'text',
      value: 'FOLDER',
      summary: 'keep state and output here, also for the next time',
      completes: 'file',
    },
    port: {
      kind: 'count',
      value: 'PORT',
      min: 1,
      max: 65_532,
      default: 7600,
      summary: 'first of four ports: calls, peers, HTTP of the control plane, HTTP of the agent',
    },
  },
  examples: [
    { command: 'cellctl dev', what: 'Start it, then use cellctl in another terminal' },
    { command: 'cellctl dev --data ./fleet --port 8600', what: 'Keep the state, beside another fleet' },
  ],
  async run({ flags, world, note }) {
    // Not needed by any other command, and much to load.
    const { startDevFleet } = await import('./dev-fleet.ts');
    const failed = Promise.withResolvers<never>();
    // It may fail while nobody waits for that.
    failed.promise.catch(() => {});
    const fleet = await startDevFleet({
      data: flags.data,
      currentFolder: world.currentFolder,
      firstPort: flags.port,
      connect: world.connect,
      clock: world.clock,
      signal: world.signal,
      onFatal: (error) => failed.reject(error),
    }).catch((error: unknown) => {
      throw asCliError(error);
    });
    const progress = new Progress(world);
    try {
      await progress.show('Waiting for the agent …');
      await Promise.race([fleet.ready(world.clock, world.signal), failed.promise]);
      await progress.end();
      await note(`A fleet of one runs at ${fleet.address}; state and output are in ${fleet.folder}`);
      await note(`In another terminal: export CELL_ADDR=${fleet.address} CELL_TOKEN_FILE=${fleet.tokenFile}`);
      await note('Ctrl-C stops all jobs and ends it');
      await Promise.race([ended(world.signal), failed.promise]);
    } catch (error) {
      if (!world.signal.aborted) throw asCliError(error);
    } finally {
      await progress.end();
      await fleet.end({ clock: world.clock, note });
    }
    return 0;
  },
});

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Control plane and agent have error classes of their own, with codes of the same kind. */
function asCliError(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  if (!isCoded(code)) return error;
  const advice =
    code === 'CELL_E_ADDRESS_IN_USE' ? '; another fleet may run already, or choose others with "--port"' : '';
  return new CliError(code, `${message}${advice}`, { cause: error });
}

function isCoded(code: unknown): code is `CELL_E_${string}` {
  return typeof code === 'string' && code.startsWith('CELL_E_');
}
