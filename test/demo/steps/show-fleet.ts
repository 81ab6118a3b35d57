import { describe, untilAllRight } from '../fleet-status.ts';
import type { Step } from '../step.ts';

export const showFleet: Step = {
  name: 'The fleet',
  title: 'three members and five nodes',
  about: 'Three members keep the state of the fleet, each on its own disk; five agents run what they are given.',
  async run({ fleet, cellctl, narrator }) {
    const settled = untilAllRight(cellctl, fleet.members.length, fleet.agents.length);
    const status = await narrator.during('Waiting until the fleet is all right', settled);
    await cellctl.show(['fleet', 'status', '--exit-code']);
    return describe(status);
  },
};
