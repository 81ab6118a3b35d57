import { writeSync } from 'node:fs';

const TONES = { good: 32, bad: 31, strong: 1, faint: 2 } as const;
type Tone = keyof typeof TONES;

const LINE_WIDTH = 96;
const PROGRESS_PERIOD_MS = 200;
const CLEAR_LINE = '\r\x1b[2K';

/** Tells what happens. Colours, and a line that shows that it goes on, are for terminals only. */
export class Narrator {
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: boolean;

  constructor(stream: NodeJS.WriteStream, noColour: boolean) {
    this.#stream = stream;
    this.#colours = stream.isTTY === true && !noColour;
  }

  heading(text: string): void {
    this.#line(`\n${this.paint(text, 'strong')}`);
  }

  /** Plain words, broken into lines. */
  say(text: string): void {
    for (const line of wrapped(text, LINE_WIDTH)) this.#line(line);
  }

  /** A command line as a person would type it. */
  command(text: string): void {
    this.#line(`\n  ${this.paint(`$ ${text}`, 'strong')}`);
  }

  /** What a command said. */
  quote(text: string): void {
    const lines = text.trimEnd().split('\n');
    for (const line of lines) this.#line(line === '' ? '' : `  ${line}`);
  }

  /** Something that was looked at and found right. */
  checked(text: string): void {
    this.#line(`  ${this.paint('ok', 'good')}    ${text}`);
  }

  failed(text: string): void {
    this.#line(`  ${this.paint('FAIL', 'bad')}  ${text}`);
  }

  space(): void {
    this.#line('');
  }

  /** Shows on a terminal what is waited for, and for how long already. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    if (this.#stream.isTTY !== true) return work;
    const startMs = performance.now();
    const show = () => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      this.#stream.write(`${CLEAR_LINE}  ${this.paint(`${what} … ${seconds} s`, 'faint')}`);
    };
    const timer = setInterval(show, PROGRESS_PERIOD_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      this.#stream.write(CLEAR_LINE);
    }
  }

  /** Written at once, also when the process is about to end. */
  lastWords(text: string): void {
    try {
      writeSync(2, `${this.#stream.isTTY === true ? CLEAR_LINE : ''}${text}\n`);
    } catch {
      // Nobody reads on.
    }
  }

  paint(text: string, tone: Tone): string {
    return this.#colours ? `\x1b[${TONES[tone]}m${text}\x1b[0m` : text;
  }

  #line(text: string): void {
    this.#stream.write(`${text}\n`);
  }
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
