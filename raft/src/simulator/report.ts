import type { Scenario } from './scenario.ts';
import { makeScenario } from './scenario.ts';
import type { Outcome } from './simulate.ts';
import { simulate } from './simulate.ts';
import { faultsOf } from './trouble.ts';

/** How much of what happened before a violation is shown. */
const LAST_EVENTS_MAX = 40;

/** The command that runs a seed again. */
export function replayCommand(seed: number): string {
  return `npm run sim -- --seed ${seed}`;
}

/** One line of a trace: when, in virtual time, and what. */
export function eventText(atMs: number, text: string): string {
  return `${atMs.toFixed(2).padStart(9)} ms  ${text}`;
}

/** All that a seed implies, one setting a line. */
export function scenarioText(scenario: Scenario): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(scenario)) {
    if (typeof value !== 'object') lines.push(`  ${name} ${value}`);
    else for (const [inner, setting] of Object.entries(value)) lines.push(`  ${name}.${inner} ${String(setting)}`);
  }
  lines.push(
    `  faults ${faultsOf(scenario)
      .map(([weight, { name }]) => `${name} ×${weight}`)
      .join(', ')}`,
  );
  return lines.join('\n');
}

/** What a person needs who is to find out why a seed failed. Runs it once more, to have the last events. */
export function violationText({ scenario, violation }: Outcome): string {
  if (violation === undefined) throw new RangeError(`Seed '${scenario.seed}' has no violation to tell of`);
  const events: string[] = [];
  simulate(makeScenario(scenario.seed), (atMs, text) => {
    events.push(eventText(atMs, text));
    if (events.length > LAST_EVENTS_MAX) events.shift();
  });
  const { property, message, atMs, cause } = violation;
  return [
    `Seed ${scenario.seed} violates ${property} after ${atMs.toFixed(2)} ms: ${message}`,
    ...(cause instanceof Error ? [String(cause.stack)] : []),
    'Its scenario:',
    scenarioText(scenario),
    'The last events:',
    ...events,
    `Replay it: ${replayCommand(scenario.seed)} --trace`,
  ].join('\n');
}
