import { onTestFinished } from 'vitest';
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts';

/** A fleet for the test that calls this; it ends with the test, however that ends. */
export async function testFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = await startFleet(options);
  onTestFinished(() => fleet.stop());
  return fleet;
}
