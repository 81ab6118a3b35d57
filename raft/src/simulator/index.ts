/** The public door of the simulator: whole clusters in virtual time, from a seed. */
export { Random } from './random.ts';
export { replayCommand, violationText } from './report.ts';
export type { Summary } from './run-seeds.ts';
export { runSeeds } from './run-seeds.ts';
export type { Scenario } from './scenario.ts';
export { makeScenario } from './scenario.ts';
export type { Outcome, Violation } from './simulate.ts';
export { simulate } from './simulate.ts';
