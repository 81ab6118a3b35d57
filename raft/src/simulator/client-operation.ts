import type { Entry, NodeId, ProposalPlace } from '../core/index.ts';
import type { Command, RegisterKey } from './command.ts';
import type { Register } from './register.ts';

/** What a client did and what came of it. Without an answer it may have happened, or may happen yet. */
export interface Operation {
  /** Who was asked. */
  readonly member: NodeId;
  readonly key: RegisterKey;
  /** Of a command: as it is packed. Of a read: its number. */
  readonly value: number;
  /** `undefined`: a read. */
  readonly command: Command | undefined;
  readonly invokedMs: number;
  answeredMs: number | undefined;
  answer: Register | undefined;
  /** When the first member applied it, and what the register was then; clients don't see this. */
  appliedMs: number | undefined;
  outcome: Register | undefined;
  /** The client was told that it did not happen and never will. */
  failed: boolean;
}

/** Operations that one run of a member has not answered yet. They are forgotten when it crashes. */
export class PendingOperations {
  readonly #commands = new Map<number, Operation>();
  /** Commands of which the place in the log is known. */
  readonly #places = new Map<number, { readonly term: number; readonly operation: Operation }>();
  /** Reads that wait until their index is applied. */
  #reads: { readonly index: number; readonly operation: Operation }[] = [];

  /** `place` is known to the leader only; elsewhere a command is recognised by its value. */
  commanded(operation: Operation, place: ProposalPlace | undefined): void {
    this.#commands.set(operation.value, operation);
    if (place !== undefined) this.#places.set(place.index, { term: place.term, operation });
  }

  readable(operation: Operation, index: number): void {
    this.#reads.push({ index, operation });
  }

  /** The operations that can be answered now that an entry was applied, which holds this command, if any. */
  applied({ index, term }: Entry, value: number | undefined): Operation[] {
    const done: Operation[] = [];
    const placed = this.#places.get(index);
    if (placed !== undefined) {
      this.#places.delete(index);
      // Another leader's entry is at its place, so it can't be committed any more.
      if (placed.term !== term) {
        placed.operation.failed = true;
        this.#commands.delete(placed.operation.value);
      }
    }
    const command = value === undefined ? undefined : this.#commands.get(value);
    if (command !== undefined) {
      this.#commands.delete(command.value);
      done.push(command);
    }
    if (this.#reads.length === 0) return done;
    done.push(...this.#reads.filter((read) => read.index <= index).map(({ operation }) => operation));
    this.#reads = this.#reads.filter((read) => read.index > index);
    return done;
  }
}
