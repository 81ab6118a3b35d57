import type { Message } from '../../core/index.ts';
import { entriesSize } from '../../core/index.ts';
import type { Check, Verdict } from './check.ts';

/** An append holds no more bytes of entries than the limit allows, but for a single entry that is larger by itself. */
export class MessageSize implements Check {
  readonly property = 'message size';
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  sent({ type, from, to, entries }: Message): Verdict {
    if (type !== 'append' || entries.length <= 1) return undefined;
    const size = entriesSize(entries);
    if (size <= this.#sizeMax) return undefined;
    return `Member ${from} sent ${entries.length} entries of ${size} bytes to ${to}, and ${this.#sizeMax} are the limit`;
  }
}
