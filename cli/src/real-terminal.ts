import type { Terminal, TerminalSize } from './world.ts';

/** Where no size is known: what terminals have had since there were any. */
const SIZE_DEFAULT: TerminalSize = { columns: 80, rows: 24 };

/** The terminal of this process. */
export const realTerminal: Terminal = {
  size() {
    const shown = [process.stdout, process.stderr].find((stream) => stream.isTTY);
    // Some terminals say that they have no size.
    return shown === undefined || shown.columns === 0 ? SIZE_DEFAULT : { columns: shown.columns, rows: shown.rows };
  },
  onResize(listener) {
    process.stdout.on('resize', listener);
    return () => process.stdout.off('resize', listener);
  },
  takeKeys() {
    const { stdin } = process;
    if (!stdin.isTTY) return () => {};
    const take = () => {
      // Who has stopped this process has set the terminal up anew, and Node would not notice.
      stdin.setRawMode(false);
      stdin.setRawMode(true);
    };
    const giveBack = () => {
      process.off('SIGCONT', take);
      stdin.setRawMode(false);
    };
    take();
    // However this process ends, but for SIGKILL, Node sets the terminal back.
    process.on('SIGCONT', take);
    return giveBack;
  },
};
