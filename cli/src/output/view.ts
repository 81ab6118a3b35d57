import type { PlainValue } from '@cell/sdk';
import type { Style } from './style.ts';

/** Something to show: as text for people, and as plain values for programs. */
export interface View {
  /** With a line break at the end. */
  readonly text: (style: Style) => string;
  readonly plain: () => PlainValue;
}

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';
