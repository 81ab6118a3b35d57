/** cellctl: the only place where the real terminal, clock and network are made. */
import { silenceTransport } from '@cell/sdk';
import { allCommands } from './commands/all-commands.ts';
import { realWorld } from './real-world.ts';
import { runCommandLine } from './run-command-line.ts';

// What nobody caught is one line too, never a stack.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(`CELL_E_INTERNAL: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}

silenceTransport();
const { world, end } = realWorld();
const exitCode = await runCommandLine(world, allCommands);
await end();
process.exit(exitCode);
