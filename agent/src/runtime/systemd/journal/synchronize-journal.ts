import { connect } from 'node:net';

/** Where journald takes calls (Varlink, https://varlink.org); root only. */
const SOCKET = '/run/systemd/journal/io.systemd.journal';
/** While others write without a pause, older versions of journald don't get to it. */
const ANSWER_MS_MAX = 2_000;
const CALL = `${JSON.stringify({ method: 'io.systemd.Journal.Synchronize' })}\0`;

/**
 * Has journald take in all that was written to it before, as `journalctl --sync` does, and write it to its files. False if
 * it did not answer in time or can't be reached. Never rejects.
 */
export function synchronizeJournal(signal: AbortSignal, socketPath = SOCKET): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, signal });
    const done = (synchronized: boolean): void => {
      socket.destroy();
      resolve(synchronized);
    };
    let answer = '';
    socket.setTimeout(ANSWER_MS_MAX, () => done(false));
    socket.once('connect', () => socket.write(CALL));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.setEncoding('utf8').on('data', (data: string) => {
      answer += data;
      if (answer.endsWith('\0')) done(!answer.includes('"error"'));
    });
  });
}
