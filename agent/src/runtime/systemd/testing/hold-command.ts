/**
 * A process that runs one command in a unit and stays: what tests kill in the place of an agent. Arguments: FOLDER UNIT
 * "pipes" or "terminal". Writes what the command writes: "started", by when it has processes that are deaf to SIGHUP.
 */
import type { ExecInput } from '../../../ports.ts';
import { realClock } from '../../../real-clock.ts';
import { UnitExec } from '../exec/unit-exec.ts';
import { SystemdManager } from '../systemd-manager.ts';

const [folder = '', unit = '', kind = ''] = process.argv.slice(2);
const manager = await SystemdManager.open({ clock: realClock });
const exec = await UnitExec.open({
  manager,
  folder: `${folder}/exec`,
  locate: async () => {
    const state = await manager.unit(unit);
    return state && { ...state, mainPid: state.main.mainPid, workingDirectory: '/' };
  },
});
const command = ['sh', '-c', 'trap "" HUP TERM; setsid sleep 1000 & echo started; sleep 1000'];
const terminal = kind === 'terminal' ? { type: 'xterm', columns: 80, rows: 24 } : undefined;

async function* nothing(): AsyncIterable<ExecInput> {
  await Promise.withResolvers<void>().promise;
  yield { type: 'end' };
}

const request = { id: 'a', run: 1, command, environment: {}, terminal };
for await (const output of exec.exec(request, nothing(), new AbortController().signal)) {
  if (output.type !== 'exit') process.stdout.write(output.data);
}
