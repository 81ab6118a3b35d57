import { CellApiError } from '@cell/sdk';
import type { CommandInput } from '../command-line/command-spec.ts';
import type { View } from './view.ts';

const PERIOD_MS = 1_000;
const CLEAR_SCREEN = '\x1b[H\x1b[2J\x1b[3J';

type Input = Pick<CommandInput<Record<never, never>, Record<never, never>>, 'world' | 'print' | 'note'>;

/**
 * Prints what `load` gives, once; or with `watch` again and again until the person ends it: on a terminal in place,
 * elsewhere whenever it has changed. While watching, an error is shown and outlasted.
 */
export async function showView(input: Input, watch: boolean, load: () => Promise<View>): Promise<void> {
  if (!watch) return input.print(await load());
  const { clock, output, signal } = input.world;
  let printed = '';
  for (;;) {
    try {
      const view = await load();
      const content = JSON.stringify(view.plain());
      if (output.isTerminal) await output.write(CLEAR_SCREEN);
      else if (printed !== '' && content !== printed) await output.write('\n');
      if (output.isTerminal || content !== printed) await input.print(view);
      printed = content;
    } catch (error) {
      if (signal.aborted || !(error instanceof CellApiError)) throw error;
      await input.note(`${error.code}: ${error.message}`);
    }
    await clock.sleep(PERIOD_MS, signal);
  }
}
