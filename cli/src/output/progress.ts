/** One line on the error output that says what is waited for; nothing at all where no terminal shows it. */

import type { World } from '../world.ts';
import { cutToWidth, oneLine } from './cell-text.ts';

const CLEAR_LINE = '\r\x1b[2K';

export class Progress {
  readonly #world: World;
  #shown = '';

  constructor(world: World) {
    this.#world = world;
  }

  async show(text: string): Promise<void> {
    const { errors } = this.#world;
    if (!errors.isTerminal) return;
    const line = cutToWidth(oneLine(text), (errors.columns ?? 80) - 1, 'end');
    if (line === this.#shown) return;
    this.#shown = line;
    await errors.write(`${CLEAR_LINE}${line}`);
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    if (this.#shown === '') return;
    this.#shown = '';
    await this.#world.errors.write(CLEAR_LINE);
  }
}
