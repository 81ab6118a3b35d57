/**
 * A process that opens the process runtime, starts one allocation and stays: what tests kill in the place of an agent.
 * Arguments: FOLDER SEGMENT_BYTES ALLOCATION COMMAND [ARGUMENT…]. Writes "started" once it is.
 */
import { realClock } from '../../real-clock.ts';
import { runRequest } from '../../testing/run-request.ts';
import { openProcessRuntime } from '../process/process-runtime.ts';

const [folder = '', segmentBytes = '', id = '', ...command] = process.argv.slice(2);
const runtime = await openProcessRuntime({ folder, clock: realClock, segmentBytes: Number(segmentBytes) });
const environment = { PATH: process.env['PATH'] ?? '', CELL_ALLOCATION: id };
await runtime.start(runRequest({ id, command, environment }));
process.stdout.write('started\n');
setInterval(() => undefined, 1_000_000);
