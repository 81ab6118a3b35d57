/** Starts a small fleet, leaves it up as the demo would, and ends: node keep-small-fleet.ts */
import { FOLDER_PREFIX, keepFleet } from '../../../demo/kept-fleet.ts';
import { Narrator } from '../../../demo/narrator.ts';
import { startFleet } from '../../harness/fleet.ts';

const fleet = await startFleet({ members: 1, agents: 1, folderPrefix: FOLDER_PREFIX });
keepFleet(fleet, new Narrator(process.stdout, true));
