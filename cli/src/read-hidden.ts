import { StringDecoder } from 'node:string_decoder';
import type { Terminal } from './world.ts';

/** More is nothing that a person types or pastes; the rest is dropped. */
const CHARACTERS_MAX = 65_536;

const KEYS = {
  interrupt: '\u0003',
  endOfInput: '\u0004',
  backspace: '\b',
  delete: '\u007f',
  eraseLine: '\u0015',
} as const;

/** A line that a person types without seeing it; undefined at the end of input. Ctrl-C interrupts as elsewhere. */
export function readHidden(
  keys: NodeJS.ReadableStream,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let typed = '';
  const giveBack = terminal.takeKeys();
  return new Promise<string | undefined>((resolve, reject) => {
    const end = (finish: () => void) => {
      keys.off('data', take);
      keys.off('end', ended);
      signal.removeEventListener('abort', abort);
      keys.pause();
      giveBack();
      finish();
    };
    const abort = () => end(() => reject(signal.reason as Error));
    const ended = () => end(() => resolve(typed === '' ? undefined : typed));
    const take = (data: Buffer) => {
      for (const key of decoder.write(data)) {
        if (key === '\r' || key === '\n') return end(() => resolve(typed));
        if (key === KEYS.endOfInput && typed === '') return ended();
        // With the keys taken it is no signal by itself.
        if (key === KEYS.interrupt) process.kill(process.pid, 'SIGINT');
        else typed = afterKey(typed, key);
      }
    };
    keys.on('data', take);
    keys.on('end', ended);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

function afterKey(typed: string, key: string): string {
  if (key === KEYS.backspace || key === KEYS.delete) return Array.from(typed).slice(0, -1).join('');
  if (key === KEYS.eraseLine) return '';
  return key >= ' ' && typed.length < CHARACTERS_MAX ? typed + key : typed;
}
