import { CliError } from './cli-error.ts';
import type { World } from './world.ts';

/** Asks the person; only where there is one. Throws `CliError` `CELL_E_NOT_CONFIRMED` on anything but yes. */
export async function confirm(world: World, question: string): Promise<void> {
  await world.errors.write(`${question} [y/N] `);
  const answer = await world.input.readLine(world.signal);
  if (answer === undefined) await world.errors.write('\n');
  if (/^\s*y(es)?\s*$/iu.test(answer ?? '')) return;
  throw new CliError('CELL_E_NOT_CONFIRMED', 'Nothing was changed, since you did not say yes');
}

/** Whether there is a person to ask: one who sees the question and can type. */
export function canAsk({ input, errors }: World): boolean {
  return input.isTerminal && errors.isTerminal;
}
