/** What a daemon says of itself: `--help` and its man page come from it. */
export interface DaemonManual {
  readonly name: string;
  /** A clause that goes on from the name. */
  readonly summary: string;
  /** What follows the name on a command line. */
  readonly usage: readonly string[];
  readonly paragraphs: readonly string[];
  readonly flags: readonly (readonly [flag: string, what: string])[];
  readonly examples: readonly string[];
}

const WIDTH = 120;

/** What `--help` prints. */
export function helpText({ name, summary, usage, paragraphs, flags, examples }: DaemonManual): string {
  const width = Math.max(...flags.map(([flag]) => flag.length));
  const usages = usage.map((words, place) => `${place === 0 ? 'Usage: ' : '       '}${name} ${words}\n`);
  return [
    `${name} ${summary}.\n\n`,
    ...usages,
    ...paragraphs.map((paragraph) => `\n${wrapped(paragraph)}\n`),
    '\nFlags:\n',
    ...flags.map(([flag, what]) => `  ${flag.padEnd(width)}  ${what}\n`),
    '\nExample:\n',
    ...examples.map((example) => `  ${example}\n`),
  ].join('');
}

function wrapped(text: string): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
