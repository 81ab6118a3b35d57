/** A lab with one machine: prints the lab's name and its keeper's number, and stays until it is killed. */
import { Lab } from '../machines/lab.ts';

const HEARTBEAT_MS = 60_000;

const lab = await Lab.open();
await lab.boot(['one']);
process.stdout.write(`${lab.name} ${lab.keeperPid}\n`);
setInterval(() => undefined, HEARTBEAT_MS);
