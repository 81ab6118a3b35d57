import type { TraceEvent } from '../../core/types.ts';
import { traceText } from '../trace-text.ts';

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error', 'fatal', 'none'];
const TRACE_LEVELS = { debug: 0, info: 1, warning: 2, error: 3 } as const;
const NONE = LEVELS.length - 1;

/** What a command prints: its own lines and, from a chosen level on, the trace of the members. */
export class Output {
  private text = '';
  private level = 0;

  get quiet(): boolean {
    return this.level === NONE;
  }

  /** Nothing is kept while the level is `none`. */
  write(text: string): void {
    if (!this.quiet) this.text += text;
  }

  trace(event: TraceEvent): void {
    const level = TRACE_LEVELS[event.level];
    if (this.level <= level) this.write(`${LEVELS[level]?.toUpperCase()} ${traceText(event)}\n`);
  }

  setLevel(name: string): void {
    const level = LEVELS.indexOf(name.toLowerCase());
    if (level < 0)
      throw new Error(`log levels must be either of [${LEVELS.map((known) => known.toUpperCase()).join(' ')}]`);
    this.level = level;
  }

  /** Runs `work` at another level. */
  atLevel(name: string | undefined, work: () => void): void {
    const before = this.level;
    if (name !== undefined) this.setLevel(name);
    try {
      work();
    } finally {
      this.level = before;
    }
  }

  /** Runs `work` and indents all that it prints by two spaces. */
  indented(work: () => void): void {
    const before = this.text;
    this.text = '';
    try {
      work();
    } finally {
      const lines = this.text.split('\n');
      if (lines.at(-1) === '') lines.pop();
      this.text = before + lines.map((line) => `  ${line}\n`).join('');
    }
  }

  take(): string {
    const text = this.text;
    this.text = '';
    return text;
  }
}
