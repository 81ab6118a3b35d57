import { styleText } from 'node:util';
import { type Logger, pino } from 'pino';

/** What is the same in every line, and what has a place of its own in it. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'name', 'node', 'err']);
const MARKS = [
  { level: 50, mark: 'error', colour: 'red' },
  { level: 40, mark: 'warn ', colour: 'yellow' },
  { level: 30, mark: 'info ', colour: 'green' },
  { level: 0, mark: 'debug', colour: 'gray' },
] as const;

interface Entry extends Record<string, unknown> {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
}

/** The agent's diagnostics: one JSON object a line; on a terminal, lines that people can read. */
export function openLog(level: string, nodeName: string): Logger {
  const options = { level, base: { name: 'cell-agent', node: nodeName } };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, { write: (line: string) => process.stdout.write(readable(JSON.parse(line) as Entry)) });
}

function readable(entry: Entry): string {
  const { mark, colour } = MARKS.find(({ level }) => entry.level >= level)!;
  const fields = Object.entries(entry).filter(([key]) => !LEFT_OUT.has(key));
  const text = fields.map(([key, value]) => `  ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const { stack } = (entry['err'] ?? {}) as { stack?: string };
  const clockTime = new Date(entry.time).toISOString().slice(11, 23);
  const line = `${clockTime} ${styleText(colour, mark)} ${entry.msg}${styleText('gray', text.join(''))}\n`;
  return stack === undefined ? line : `${line}${stack}\n`;
}
