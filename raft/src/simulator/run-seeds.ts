import { makeScenario } from './scenario.ts';
import type { Outcome } from './simulate.ts';
import { simulate } from './simulate.ts';

/** Violations in one run: what fails ten times tells no more by failing on. */
const VIOLATIONS_MAX = 10;

export interface Summary {
  readonly seeds: number;
  readonly violations: readonly Outcome[];
  /** Virtual time over all seeds. */
  readonly elapsedMs: number;
  readonly committed: number;
  readonly terms: number;
  readonly operations: number;
  /** Seeds with a history that was too hard to judge. */
  readonly undecided: number;
}

const NOTHING: Summary = {
  seeds: 0,
  violations: [],
  elapsedMs: 0,
  committed: 0,
  terms: 0,
  operations: 0,
  undecided: 0,
};

/** Simulates seeds from `from` on as long as `more` says so; it is asked before each, with what was found so far. */
export function runSeeds(from: number, more: (done: Summary) => boolean): Summary {
  let done = NOTHING;
  for (const summary of simulateFrom(from)) {
    done = summary;
    if (!more(done)) break;
  }
  return done;
}

/** Simulates seeds one after the other from `from` on, until too many fail; gives what was found, at first nothing. */
export function* simulateFrom(from: number): Generator<Summary> {
  let done = NOTHING;
  yield done;
  while (done.violations.length < VIOLATIONS_MAX) {
    done = added(done, simulate(makeScenario(from + done.seeds)));
    yield done;
  }
}

function added(done: Summary, outcome: Outcome): Summary {
  return {
    seeds: done.seeds + 1,
    violations: outcome.violation === undefined ? done.violations : [...done.violations, outcome],
    elapsedMs: done.elapsedMs + outcome.elapsedMs,
    committed: done.committed + outcome.committed,
    terms: done.terms + outcome.terms,
    operations: done.operations + outcome.history.length,
    undecided: done.undecided + Number(outcome.undecided),
  };
}
