import type { Command } from '../commands.ts';

/** A command before a test fleet gives it its time. */
export type Untimed<AnyCommand extends Command = Command> = AnyCommand extends Command
  ? Omit<AnyCommand, 'timeMs'>
  : never;
