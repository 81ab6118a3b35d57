import { styleText } from 'node:util';
import { type Logger, pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What is the same in every line, and what has a place of its own in it. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'err']);
const MARKS = [
  { level: 50, mark: 'error', colour: 'red' },
  { level: 40, mark: 'warn ', colour: 'yellow' },
  { level: 30, mark: 'info ', colour: 'green' },
  { level: 0, mark: 'debug', colour: 'gray' },
] as const;

interface Entry extends Record<string, unknown> {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
}

/** Diagnostics, each with the given fields: one JSON object a line; on a terminal, lines that people can read. */
export function openLog(level: LogLevel, fields: Readonly<Record<string, unknown>>): Logger {
  const options = { level, base: fields };
  if (!process.stdout.isTTY) return pino(options);
  const leftOut = new Set([...LEFT_OUT, ...Object.keys(fields)]);
  return pino(options, { write: (line: string) => process.stdout.write(readable(JSON.parse(line) as Entry, leftOut)) });
}

function readable(entry: Entry, leftOut: ReadonlySet<string>): string {
  const { mark, colour } = MARKS.find(({ level }) => entry.level >= level)!;
  const fields = Object.entries(entry).filter(([key]) => !leftOut.has(key));
  const text = fields.map(([key, value]) => `  ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { stack } = (entry['err'] ?? {}) as { stack?: string };
  const clockTime = new Date(entry.time).toISOString().slice(11, 23);
  const line = `${clockTime} ${styleText(colour, mark)} ${entry.msg ?? ''}${styleText('gray', text.join(''))}\n`;
  return stack === undefined ? line : `${line}${stack}\n`;
}
