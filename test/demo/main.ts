/**
 * The demo: `make demo`, `make demo KEEP=1`, and `make demo-stop` for what the latter has left up.
 *
 * Nothing outlives it: see leftovers.ts of the test harness.
 */

import { reasonOf } from './demo-failure.ts';
import { stopKeptFleets } from './kept-fleet.ts';
import { Narrator } from './narrator.ts';
import { runDemo } from './run-demo.ts';

const narrator = new Narrator(process.stdout, (process.env['NO_COLOR'] ?? '') !== '');
// Nobody reads on, as with "| head": the end, in order.
process.stdout.on('error', () => process.exit(1));

const [command, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (command !== undefined && command !== 'stop')) {
  process.stderr.write('Usage: main.ts [stop]; the environment variable KEEP=1 leaves the fleet up\n');
  process.exitCode = 1;
} else if (command === 'stop') {
  stopKeptFleets(narrator);
} else {
  const keep = !['', '0', 'no', 'false'].includes(process.env['KEEP'] ?? '');
  try {
    process.exitCode = (await runDemo(narrator, { keep })) ? 0 : 1;
  } catch (error) {
    narrator.failed(`The fleet did not come up: ${reasonOf(error)}`);
    // What was started is ended on the way out.
    process.exit(1);
  }
}
