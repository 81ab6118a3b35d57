/** The table of attacks: each against real daemons at work, which refuse it, tell of it, and go on as if nothing were. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { crowdRows } from './rows/crowds.ts';
import { floodRows } from './rows/floods.ts';
import { goBetweenRows } from './rows/go-betweens.ts';
import { namespaceRows } from './rows/namespaces.ts';
import { nodeRows } from './rows/nodes.ts';
import { strangerRows } from './rows/strangers.ts';
import { tokenRows } from './rows/tokens.ts';
import { AttackedFleet } from './testing/attacked-fleet.ts';

let attacked: AttackedFleet;

beforeAll(async () => {
  attacked = await AttackedFleet.start();
});
// There is none if it did not start.
afterAll(() => attacked?.stop());
afterEach(() => attacked.undisturbed());

strangerRows(() => attacked);
nodeRows(() => attacked);
tokenRows(() => attacked);
namespaceRows(() => attacked);
floodRows(() => attacked);
goBetweenRows(() => attacked);
crowdRows(() => attacked);
