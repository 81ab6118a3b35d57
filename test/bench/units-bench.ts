import { measureUnitStarts, unitStartsImpossible } from '@cell/agent/testing';
import type { BenchOutput } from './bench.ts';
import { median, rounded } from './statistics.ts';

export interface UnitsSizes {
  readonly units: number;
  readonly inFlight: number;
  readonly rounds: number;
}

export const UNITS_SIZES: UnitsSizes = { units: 200, inFlight: 16, rounds: 3 };

/** Unit starts per second through the agent, and what systemd itself gives on the same machine, in turns. */
export async function benchUnits(output: BenchOutput, sizes: UnitsSizes = UNITS_SIZES): Promise<void> {
  const why = unitStartsImpossible();
  if (why !== undefined) {
    output.progress(`units: left out: ${why}`);
    return;
  }
  for (const sandbox of ['none', 'default'] as const) {
    const plain: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < sizes.rounds; round += 1) {
      const rates = await measureUnitStarts({ units: sizes.units, inFlight: sizes.inFlight, sandbox });
      plain.push(rounded(rates.plainPerSecond, 1));
      whole.push(rounded(rates.wholePerSecond, 1));
      output.progress(`units: sandbox "${sandbox}": ${whole.at(-1)} of ${plain.at(-1)} per second`);
    }
    const config = { ...sizes, sandbox };
    const measured = (what: string, value: number, unit: '1/s' | 'ratio', all: readonly number[]): void =>
      output.measured({ name: `units.${sandbox}.${what}`, value, unit, config: { ...config, all } });
    measured('systemd.per_second', median(plain), '1/s', plain);
    measured('agent.per_second', median(whole), '1/s', whole);
    const ratios = whole.map((rate, round) => rounded(rate / plain[round]!, 2));
    measured('agent_ratio', median(ratios), 'ratio', ratios);
  }
}
