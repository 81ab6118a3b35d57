/**
 * A process that opens the systemd runtime, starts one allocation and stays: what tests kill in the place of an agent.
 * Arguments: FOLDER ALLOCATION COMMAND [ARGUMENT…]. Writes "started" once it is.
 */
import { realClock } from '../../../real-clock.ts';
import { runRequest } from '../../../testing/run-request.ts';
import { openSystemdRuntime } from '../systemd-runtime.ts';

const [folder = '', id = '', ...command] = process.argv.slice(2);
const runtime = await openSystemdRuntime({ folder, clock: realClock, secretsFolder: folder, hiddenPaths: [] });
await runtime.start(runRequest({ id, command }));
process.stdout.write('started\n');
