import type { DemoParts } from './demo-parts.ts';

/** One thing that the demo shows. */
export interface Step {
  /** For the summary: two or three words. */
  readonly name: string;
  readonly title: string;
  /** What is about to be seen, in a sentence or two. */
  readonly about: string;
  /** Shows it and checks it. Resolves to its figure for the summary; rejects if it isn't as promised. */
  run(parts: DemoParts): Promise<string>;
}
