/** cellctl: the only place where the real terminal, clock and network are made. */
import { allCommands } from './commands/all-commands.ts';
import { realWorld } from './real-world.ts';
import { runCommandLine } from './run-command-line.ts';

const { world, end } = realWorld();
const exitCode = await runCommandLine(world, allCommands);
await end();
process.exit(exitCode);
