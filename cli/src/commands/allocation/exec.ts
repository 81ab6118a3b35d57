import type { CellClient } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import type { World } from '../../world.ts';

type ExecInput = Parameters<CellClient['exec']>[1] extends AsyncIterable<infer T> ? T : never;

/** Of an error that is not the command's: what ssh gives then. */
const ERROR_EXIT_CODE = 255;
const TERMINAL_TYPE_DEFAULT = 'xterm';

export const allocationExec = defineCommand({
  path: ['allocation', 'exec'],
  summary: 'run a command inside one instance',
  description: [
    'It has the user, folder, environment, cgroup and namespaces of the instance.',
    'The command gets a terminal if standard input and standard output are terminals, unless -i is given alone; -t ' +
      'gives it one in any case. With a terminal all keys go to the command, Ctrl-C too. Without one, its standard ' +
      'output and standard error stay apart, and Ctrl-C ends it.',
    'Standard input is always passed on: in a loop that reads from it, add "</dev/null". The command ends when cellctl ' +
      'ends or loses its connection. No shell is put around it.',
  ],
  arguments: {
    ALLOCATION: { summary: 'its id or the beginning of it', completes: 'allocation' },
    COMMAND: { summary: 'program and arguments, as they are', rest: true },
  },
  flags: {
    interactive: { kind: 'switch', short: 'i', summary: 'pass standard input on; alone, without a terminal' },
    tty: { kind: 'switch', short: 't', summary: 'give the command a terminal' },
  },
  examples: [
    { command: 'cellctl allocation exec 01KA7Q2M9XW4T -- sh', what: 'A shell in the instance' },
    { command: 'cellctl allocation exec 01KA7Q2M9XW4T -- tar -c data >data.tar', what: 'A folder out of it' },
    { command: 'cellctl allocation exec -i 01KA7Q2M9XW4T -- psql <dump.sql', what: 'A file into it' },
  ],
  exitCodes: { [ERROR_EXIT_CODE]: 'an error of cellctl or on the way to the command; all other codes are its own' },
  errorExitCode: ERROR_EXIT_CODE,
  async run({ arguments: { ALLOCATION, COMMAND }, flags, world, client }) {
    const { input, output, terminal } = world;
    const wanted = flags.tty || (!flags.interactive && input.isTerminal && output.isTerminal);
    const start = { allocationId: ALLOCATION, command: [...COMMAND], ...(wanted ? { terminal: shape(world) } : {}) };
    let giveKeysBack = () => {};
    const given = async function* () {
      // Not before the command runs: until then Ctrl-C is for cellctl.
      if (wanted && input.isTerminal) giveKeysBack = terminal.takeKeys();
      yield* wanted ? terminalInput(world) : pipedInput(world);
    };
    try {
      for await (const { output: written } of client().exec(start, given(), { signal: world.signal })) {
        if (written.case === 'stdout') await output.write(written.value);
        else if (written.case === 'stderr') await world.errors.write(written.value);
        else if (written.case === 'exitCode') return exitCodeOf(written.value);
      }
    } finally {
      giveKeysBack();
    }
    return ERROR_EXIT_CODE;
  },
});

function shape({ terminal, environment }: World) {
  return { type: environment['TERM'] ?? TERMINAL_TYPE_DEFAULT, ...terminal.size() };
}

async function* pipedInput({ input }: World): AsyncIterable<ExecInput> {
  for await (const value of input.pieces()) yield { input: { case: 'data', value } };
  yield { input: { case: 'end', value: true } };
}

/** What is typed, and the terminal's sizes, until nobody wants more. */
async function* terminalInput(world: World): AsyncIterable<ExecInput> {
  const pieces = world.input.pieces()[Symbol.asyncIterator]();
  let resized = Promise.withResolvers<'resized'>();
  const stop = world.terminal.onResize(() => resized.resolve('resized'));
  try {
    let next: Promise<IteratorResult<Uint8Array>> = pieces.next();
    for (;;) {
      const what = await Promise.race([resized.promise, next]);
      if (what === 'resized') {
        resized = Promise.withResolvers();
        yield { input: { case: 'resize', value: shape(world) } };
      } else if (what.done === true) {
        yield { input: { case: 'end', value: true } };
        next = new Promise(() => {});
      } else {
        yield { input: { case: 'data', value: what.value } };
        next = pieces.next();
      }
    }
  } finally {
    stop();
  }
}

/** What a process can't end with is no code that a command gave. */
function exitCodeOf(code: number): number {
  return code >= 0 && code <= 255 ? code : ERROR_EXIT_CODE;
}
