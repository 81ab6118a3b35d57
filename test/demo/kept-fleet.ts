import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fleet } from '../cluster/harness/fleet.ts';
import { killBelow, processesBelow } from '../cluster/harness/leftovers.ts';
import type { Narrator } from './narrator.ts';

export const FOLDER_PREFIX = 'cell-demo-';
/** In the folder of a fleet that was left up on purpose; only such a fleet is stopped later. */
const MARK = 'kept';

/** Leaves the fleet up, and says how to use it. */
export function keepFleet(fleet: Fleet, narrator: Narrator): void {
  writeFileSync(join(fleet.folder, MARK), '');
  fleet.keep();
  const member = fleet.member(1);
  const agent = fleet.agent(1);
  narrator.heading('The fleet is left up');
  narrator.say('To use it, in the folder of the repository:');
  narrator.quote(
    [
      '',
      `export CELL_ADDR=${fleet.addresses.join(',')}`,
      'bin/cellctl fleet status',
      'bin/cellctl allocation list -o wide',
      'bin/cellctl job stop web --yes',
      '',
    ].join('\n'),
  );
  narrator.space();
  narrator.say(`Data, configuration files and logs are in ${fleet.folder}`);
  narrator.say('Nothing starts a process again that ends, as the leader does in a drill. You can:');
  narrator.quote(
    ['', `bin/cell-control-plane --config ${member.configFile}`, `bin/cell-agent --config ${agent.configFile}`].join(
      '\n',
    ),
  );
  narrator.space();
  narrator.say(
    `Metrics: http://${member.httpAddress}/metrics, targets for Prometheus: http://${member.httpAddress}/v1/sd`,
  );
  narrator.space();
  narrator.say('To stop it all and remove its folder:');
  narrator.quote('\nmake demo-stop');
}

/** Ends every fleet of this user that was left up, and removes its folder. */
export function stopKeptFleets(narrator: Narrator): void {
  const folders = keptFolders();
  for (const folder of folders) {
    const count = processesBelow(folder).length;
    killBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    narrator.say(`Ended ${count} processes and removed ${folder}`);
  }
  if (folders.length === 0) narrator.say(`No fleet of a demo is up: there is no ${join(tmpdir(), FOLDER_PREFIX)}*`);
}

function keptFolders(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(FOLDER_PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter((folder) => isOwn(folder) && isMarked(folder));
}

/** Anybody may make a folder there that names other people's processes. */
function isOwn(folder: string): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.getuid?.();
}

function isMarked(folder: string): boolean {
  try {
    return readFileSync(join(folder, MARK)).length === 0;
  } catch {
    return false;
  }
}
