/** What has been started, to be stopped in reverse. */
export class StartedParts {
  readonly #stops: (() => Promise<void> | void)[] = [];

  async add<T extends { stop(): Promise<void> | void }>(part: Promise<T> | T): Promise<T> {
    const made = await part;
    this.#stops.push(() => made.stop());
    return made;
  }

  onStop(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}
