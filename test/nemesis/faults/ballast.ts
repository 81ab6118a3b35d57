import { setTimeout } from 'node:timers/promises';
import { jobCarrying } from '../clients/perform.ts';
import type { NemesisFleet } from '../fleet/nemesis-fleet.ts';

const WRITERS = 4;
const CALL_MS_MAX = 2_000;
const PAUSE_MS = 20;
/** Texts of one specification, and bytes of each: about as much as one may have. */
const TEXTS = 6;
const TEXT_BYTES = 32_000;

/** Writes much, so that logs soon need more room than they have reserved. What becomes of it, nobody asks. */
export class Ballast {
  readonly #work: readonly Promise<void>[];
  #stopping = false;

  constructor(fleet: NemesisFleet) {
    this.#work = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer, fleet));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#work);
  }

  async #write(writer: number, fleet: NemesisFleet): Promise<void> {
    const client = fleet.operators(fleet.addresses, CALL_MS_MAX);
    for (let made = 0; !this.#stopping; made += 1) {
      const texts = Array.from({ length: TEXTS }, (_, place) => [`TEXT_${place}`, `${made} `.padEnd(TEXT_BYTES, 'x')]);
      const spec = jobCarrying(`ballast-${writer}`, Object.fromEntries(texts));
      // Members are hurt; and it is enough if many of these get through.
      await client.jobs.submitJob({ spec }).catch(() => setTimeout(PAUSE_MS));
    }
    client.close();
  }
}
