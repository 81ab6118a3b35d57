import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../testing/until.ts';

const UNIT = 'cell-test-held.service';
const HOLD = fileURLToPath(import.meta.resolve('../testing/hold-command.ts'));

function systemctl(...words: string[]): string {
  return spawnSync('systemctl', ['--quiet', ...words], { encoding: 'utf8' }).stdout.trim();
}

test.each(['pipes', 'terminal'])(
  'a command ends when the agent is killed, and its allocation runs on: with %s',
  async (kind) => {
    execFileSync('systemd-run', ['-q', `--unit=${UNIT}`, '--collect', '--slice=cell.slice', 'sleep', '1000']);
    const folder = mkdtempSync('/run/cell-held-');
    const agent = spawn(process.execPath, [HOLD, folder, UNIT, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => {
      agent.kill('SIGKILL');
      systemctl('kill', '--signal=KILL', UNIT);
      systemctl('stop', UNIT);
      rmSync(folder, { recursive: true });
    });
    let text = '';
    agent.stdout.on('data', (data: Buffer) => {
      text += data.toString();
    });
    await until(() => text.includes('started') || undefined);
    // Wherever this machine has its cgroups; in all of them that are below the unit's.
    const places = ['', 'unified/'].map((place) => `/sys/fs/cgroup/${place}cell.slice/${UNIT}`).filter(existsSync);
    const tasks = (): number => {
      const find = ['-c', 'find "$1" -name cgroup.procs -exec cat {} +', 'sh', places.at(-1)!];
      return spawnSync('sh', find, { encoding: 'utf8' }).stdout.trim().split('\n').length;
    };
    expect(tasks()).toBeGreaterThan(1);
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    await until(() => systemctl('list-units', '--all', '--no-legend', 'cell-exec-*') === '' || undefined);
    expect(tasks()).toBe(1);
    expect(systemctl('show', '-P', 'ActiveState', UNIT)).toBe('active');
  },
);
