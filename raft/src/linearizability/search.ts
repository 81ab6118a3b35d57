import { LinkedPlaces } from './linked-places.ts';
import { PlaceSet } from './place-set.ts';
import type { Operation, SequentialModel } from './sequential-model.ts';

/** The beginning or the end of an answered operation. */
interface Moment {
  /** Which of the answered operations. */
  readonly number: number;
  readonly at: number;
  readonly begins: boolean;
  /** Where the end of this operation is among the moments. */
  end: number;
}

/** What may come next in the order. */
interface Candidate {
  readonly answered: boolean;
  /** Among the moments, or among the operations without an answer. */
  readonly place: number;
  /** Nothing that begins after this time may come next. */
  readonly deadline: number;
}

interface Choice<S> extends Candidate {
  readonly number: number;
  readonly stateBefore: S;
  readonly keyBefore: string;
  readonly observes: boolean;
}

/**
 * Puts the operations of one partition in an order, depth first: next can only be what began before the first end of
 * those that are left. A set of ordered operations is tried once with the state that it led to. Operations without
 * an answer are only taken where those with one get no further, and need not be taken at all.
 */
export class Search<S, I, O> {
  /** How often the model was asked. */
  steps = 0;
  /** The longest order of a part of the operations that led no further. */
  longest: readonly Operation<I, O>[] = [];
  readonly #model: SequentialModel<S, I, O>;
  readonly #answered: readonly Operation<I, O>[];
  readonly #open: readonly Operation<I, O>[];
  readonly #moments: readonly Moment[];
  readonly #momentsLeft: LinkedPlaces;
  readonly #openLeft: LinkedPlaces;
  readonly #answeredOrdered: PlaceSet;
  readonly #openOrdered: PlaceSet;
  readonly #choices: Choice<S>[] = [];
  readonly #tried = new Set<string>();
  #answeredCount = 0;
  #state: S;
  #key: string;

  /** `operations` are in order of their beginning. */
  constructor(model: SequentialModel<S, I, O>, operations: readonly Operation<I, O>[]) {
    this.#model = model;
    this.#answered = operations.filter(({ output }) => output !== undefined);
    this.#open = operations.filter(({ output }) => output === undefined);
    this.#moments = momentsOf(this.#answered);
    this.#momentsLeft = new LinkedPlaces(this.#moments.length);
    this.#openLeft = new LinkedPlaces(this.#open.length);
    this.#answeredOrdered = new PlaceSet(this.#answered.length);
    this.#openOrdered = new PlaceSet(this.#open.length);
    this.#state = model.initial();
    this.#key = model.key(this.#state);
  }

  run(stepsMax: number): 'linearizable' | 'violation' | 'undecided' {
    let candidate: Candidate | undefined = this.#first();
    while (this.#answeredCount < this.#answered.length) {
      if (candidate === undefined) {
        const undone = this.#undo();
        if (undone === undefined) return 'violation';
        // What only observes, and fits, never fits better later: nothing else need be tried in its place.
        candidate = undone.observes ? undefined : this.#following(undone);
        continue;
      }
      if (this.steps >= stepsMax) return 'undecided';
      this.steps++;
      candidate = this.#take(candidate) ? this.#first() : this.#following(candidate);
    }
    return 'linearizable';
  }

  #first(): Candidate | undefined {
    return this.#answeredFrom(this.#momentsLeft.first);
  }

  #following({ answered, place, deadline }: Candidate): Candidate | undefined {
    if (answered) return this.#answeredFrom(this.#momentsLeft.after(place));
    return this.#openFrom(this.#openLeft.after(place), deadline);
  }

  #answeredFrom(place: number): Candidate | undefined {
    const moment = this.#moments[place];
    if (moment === undefined) return undefined;
    if (moment.begins) return { answered: true, place, deadline: Number.POSITIVE_INFINITY };
    // Nothing that begins later can come before this end; but what has no answer, and began before, still can.
    return this.#openFrom(this.#openLeft.first, moment.at);
  }

  #openFrom(place: number, deadline: number): Candidate | undefined {
    const operation = this.#open[place];
    if (operation === undefined || operation.invokedAt > deadline) return undefined;
    return { answered: false, place, deadline };
  }

  /** Puts an operation next, if the model allows it and it leads to what was not tried yet. */
  #take(candidate: Candidate): boolean {
    const { answered, place } = candidate;
    const number = answered ? (this.#moments[place] as Moment).number : place;
    const { input, output } = (answered ? this.#answered : this.#open)[number] as Operation<I, O>;
    const state = this.#model.step(this.#state, input, output);
    if (state === undefined) return false;
    const key = this.#model.key(state);
    // Whatever has no answer and changes nothing may as well not have happened.
    if (!answered && key === this.#key) return false;
    const ordered = answered ? this.#answeredOrdered : this.#openOrdered;
    ordered.add(number);
    const tried = `${this.#answeredOrdered.key()}|${this.#openOrdered.key()}|${key}`;
    if (this.#tried.has(tried)) {
      ordered.delete(number);
      return false;
    }
    this.#tried.add(tried);
    const observes = answered && this.#model.observes?.(input, output) === true;
    this.#choices.push({ ...candidate, number, stateBefore: this.#state, keyBefore: this.#key, observes });
    this.#state = state;
    this.#key = key;
    if (answered) {
      this.#answeredCount++;
      this.#momentsLeft.takeOut(place);
      this.#momentsLeft.takeOut((this.#moments[place] as Moment).end);
    } else this.#openLeft.takeOut(place);
    return true;
  }

  #undo(): Choice<S> | undefined {
    if (this.#choices.length > this.longest.length) this.longest = this.#order();
    const choice = this.#choices.pop();
    if (choice === undefined) return undefined;
    const { answered, place, number } = choice;
    (answered ? this.#answeredOrdered : this.#openOrdered).delete(number);
    this.#state = choice.stateBefore;
    this.#key = choice.keyBefore;
    if (answered) {
      this.#answeredCount--;
      this.#momentsLeft.putBack((this.#moments[place] as Moment).end);
      this.#momentsLeft.putBack(place);
    } else this.#openLeft.putBack(place);
    return choice;
  }

  #order(): Operation<I, O>[] {
    return this.#choices.map(({ answered, number }) => {
      return (answered ? this.#answered : this.#open)[number] as Operation<I, O>;
    });
  }
}

/** Beginnings and ends in order of time; at the same time beginnings come first. */
function momentsOf(operations: readonly Operation<unknown, unknown>[]): readonly Moment[] {
  const moments = operations.flatMap(({ invokedAt, returnedAt }, number): Moment[] => [
    { number, at: invokedAt, begins: true, end: 0 },
    { number, at: returnedAt, begins: false, end: 0 },
  ]);
  moments.sort((a, b) => a.at - b.at || Number(b.begins) - Number(a.begins));
  const ends: number[] = [];
  moments.forEach(({ begins, number }, place) => {
    if (!begins) ends[number] = place;
  });
  for (const moment of moments) moment.end = ends[moment.number] as number;
  return moments;
}
