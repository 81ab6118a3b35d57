import { styleText } from 'node:util';
import { type Logger, pino } from 'pino';

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const COLOURS = { trace: 'gray', debug: 'gray', info: 'green', warn: 'yellow', error: 'red', fatal: 'red' } as const;
const HIDDEN = new Set(['level', 'time', 'msg', 'name', 'member', 'err']);

/** One JSON object a line; on a terminal a line that people can read. */
export function openLog(level: string, memberId: number): Logger {
  const options = { level, base: { name: 'cell-control-plane', member: memberId } };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, { write: (line: string) => process.stdout.write(readable(line)) });
}

function readable(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown> & { level: number; time: number; msg?: string };
  const name = (LEVEL_NAMES[entry.level] ?? 'info') as keyof typeof COLOURS;
  const time = new Date(entry.time).toISOString().slice(11, 23);
  const details = Object.entries(entry)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const error = (entry['err'] as { stack?: string } | undefined)?.stack;
  const rest = styleText('gray', details.join(''));
  return `${time} ${styleText(COLOURS[name], name.padEnd(5))} ${entry.msg ?? ''}${rest}${error === undefined ? '' : `\n${error}`}\n`;
}
