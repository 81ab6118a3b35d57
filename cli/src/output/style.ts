/** How text looks: how wide it may be, and in what colours. */

export type Tone = 'good' | 'warning' | 'bad' | 'faint' | 'strong';

export interface Style {
  /** Characters of a line; infinite if nothing shall be cut. */
  readonly width: number;
  /** Show what usually is left out. */
  readonly wide: boolean;
  readonly colours: boolean;
  /** Now, in milliseconds since 1970: for "3m ago". */
  readonly nowMs: number;
}

const CODES: Readonly<Record<Tone, number>> = { good: 32, warning: 33, bad: 31, faint: 2, strong: 1 };

export function paint(text: string, tone: Tone | undefined, { colours }: Pick<Style, 'colours'>): string {
  return tone === undefined || !colours || text === '' ? text : `\x1b[${CODES[tone]}m${text}\x1b[0m`;
}
