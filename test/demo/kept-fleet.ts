import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fleet } from '../cluster/harness/fleet.ts';
import { killBelow, processesBelow } from '../cluster/harness/leftovers.ts';
import { environmentOf } from './cellctl.ts';
import type { Narrator } from './narrator.ts';

export const FOLDER_PREFIX = 'cell-demo-';
/** In the folder of each fleet: the id of the demo's process, or nothing if the fleet is left up on purpose. */
const OWNER = 'owner';

/** Tells whose fleet it is: that of a demo which runs is never stopped by another one. */
export function ownFleet(fleet: Fleet): void {
  writeFileSync(join(fleet.folder, OWNER), `${process.pid}`);
}

/** Leaves the fleet up, and says how to use it. */
export function keepFleet(fleet: Fleet, narrator: Narrator): void {
  writeFileSync(join(fleet.folder, OWNER), '');
  fleet.keep();
  const member = fleet.member(1);
  const agent = fleet.agent(1);
  narrator.heading('The fleet is left up');
  narrator.say('To use it, in the folder of the repository:');
  narrator.quote(
    [
      '',
      ...Object.entries(environmentOf(fleet)).map(([name, value]) => `export ${name}=${value}`),
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

/** Ends every fleet of this user that no demo looks after any more, and removes its folder. */
export function stopKeptFleets(narrator: Narrator): void {
  const folders = leftFolders();
  for (const folder of folders) {
    const count = processesBelow(folder).length;
    killBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    narrator.say(`Ended ${count} processes and removed ${folder}`);
  }
  if (folders.length === 0) narrator.say(`No fleet of a demo is up: there is no ${join(tmpdir(), FOLDER_PREFIX)}*`);
}

function leftFolders(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(FOLDER_PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter((folder) => isOwn(folder) && isLeft(folder));
}

/** Anybody may make a folder there that names other people's processes. */
function isOwn(folder: string): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.getuid?.();
}

/** Left up on purpose, or by a demo that was killed and could not end it. */
function isLeft(folder: string): boolean {
  try {
    const pid = readFileSync(join(folder, OWNER), 'utf8');
    return pid === '' || !readCommand(pid).includes('demo/main.ts');
  } catch {
    return false;
  }
}

/** Empty if there is no such process. */
function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${Number(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
