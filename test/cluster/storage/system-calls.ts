/** Reads what `strace -f -yy -xx` writes (strace(1)): one line per call, or two if another thread's came in between. */

/** A call that succeeded. Its start and end are places in the trace: of two calls, these tell which was first. */
export interface SystemCall {
  readonly name: string;
  /** What the first argument's descriptor stands for: a path, or "TCP:[127.0.0.1:1->127.0.0.1:2]". */
  readonly target: string;
  readonly bytes: Buffer;
  readonly startedAt: number;
  readonly endedAt: number;
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+)/s;
const UNFINISHED = /^(\d+) +(\w+)\((.*?) *<unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/s;
const DESCRIPTOR = /^\d+<((?:TCP|TCPv6|UNIX|UNIX-STREAM):\[[^\]]*\]|[^>]*)>/;

/** In the order in which the calls ended. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { readonly head: string; readonly startedAt: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    const begun = UNFINISHED.exec(line);
    if (begun !== null) {
      unfinished.set(`${begun[1]} ${begun[2]}`, { head: begun[3]!, startedAt: at });
      continue;
    }
    const resumed = RESUMED.exec(line);
    const match = resumed ?? WHOLE.exec(line);
    if (match === null || Number(match[4]) < 0) continue;
    const start = resumed === null ? undefined : unfinished.get(`${match[1]} ${match[2]}`);
    const words = `${start?.head ?? ''}${match[3]}`;
    calls.push(makeCall(match[2]!, words, Number(match[4]), start?.startedAt ?? at, at));
  }
  return calls;
}

function makeCall(name: string, words: string, result: number, startedAt: number, endedAt: number): SystemCall {
  const parts = [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((part) => part[1]!.replaceAll('\\x', ''));
  const all = Buffer.from(parts.join(''), 'hex');
  const moved = /^(read|write|pwrite)/.test(name) ? all.subarray(0, result) : all;
  return { name, target: decodePath(DESCRIPTOR.exec(words)?.[1] ?? ''), bytes: moved, startedAt, endedAt };
}

/** With -xx, paths are in hex as well. */
function decodePath(text: string): string {
  if (!text.startsWith('\\x')) return text;
  return Buffer.from(text.replaceAll('\\x', ''), 'hex').toString();
}
