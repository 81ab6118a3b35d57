/** `key`, `key=value` or `key=(a,b)`; a bare key has no values. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One command of a transcript, with what it must print. */
export interface Directive {
  /** The command's line in its file, counted from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  /** The lines between the command and the separator. */
  readonly input: string;
  readonly expected: string;
}

const SEPARATOR = '----';

/**
 * Reads the data-driven format: a command line (`\` continues it, `#` is a comment), lines of input up to `----`, and
 * the expected output up to a blank line. A doubled `----` opens and closes an output that has blank lines itself.
 */
export function parseTranscript(text: string): Directive[] {
  const lines = text.split('\n');
  const directives: Directive[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = at + 1;
    let command = (lines[at++] as string).trim();
    if (command === '' || command.startsWith('#')) continue;
    while (command.endsWith('\\') && at < lines.length) {
      command = `${command.slice(0, -1).trim()} ${(lines[at++] as string).trim()}`;
    }
    const input: string[] = [];
    while (at < lines.length && lines[at] !== SEPARATOR) input.push(lines[at++] as string);
    if (at === lines.length) throw new Error(`Command '${command}' in line ${line} has no '${SEPARATOR}' after it`);
    at++;
    const output = readOutput(lines, at);
    at = output.next;
    directives.push({ line, ...parseCommand(command), input: input.join('\n'), expected: output.text });
  }
  return directives;
}

function readOutput(lines: readonly string[], start: number): { text: string; next: number } {
  const output: string[] = [];
  let at = start;
  if (lines[at] === SEPARATOR) {
    at++;
    while (at < lines.length && !(lines[at] === SEPARATOR && lines[at + 1] === SEPARATOR))
      output.push(lines[at++] as string);
    at += 2;
  } else {
    while (at < lines.length && (lines[at] as string).trim() !== '') output.push(lines[at++] as string);
  }
  return { text: output.map((line) => `${line}\n`).join(''), next: at };
}

function parseCommand(text: string): { command: string; args: Argument[] } {
  const command = /^\S+/.exec(text)?.[0] ?? '';
  const args: Argument[] = [];
  for (const match of text.slice(command.length).matchAll(/([^\s=]+)(?:=(\([^)]*\)|\S*))?/g)) {
    args.push({ key: match[1] as string, values: match[2] === undefined ? [] : parseValues(match[2]) });
  }
  return { command, args };
}

function parseValues(text: string): string[] {
  if (!text.startsWith('(')) return [text];
  const inner = text.slice(1, -1).trim();
  return inner === '' ? [] : inner.split(',').map((value) => value.trim());
}
