import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const DEBIAN = resolve(import.meta.dirname, '../../debian');

/** What "systemd-analyze security" may say at most, from 0 (all is shut off) to 10: docs/installation.md states it. */
const EXPOSURE_MAX = { 'cell-control-plane': 1.5, 'cell-agent': 2.5 } as const;

test.for(Object.entries(EXPOSURE_MAX))('%s is exposed by %d at most', ([name, exposureMax], context) => {
  const unit = join(DEBIAN, `${name}.service`);
  const result = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], { encoding: 'utf8' });
  if (result.error !== undefined) return context.skip('Needs "systemd-analyze", of Debian\'s package "systemd"');
  const [, exposure] = /Overall exposure level for \S+: ([\d.]+) /.exec(result.stdout) ?? [];
  expect(Number(exposure)).toBeLessThanOrEqual(exposureMax);
});

test.each(Object.keys(EXPOSURE_MAX))('%s is never given up once it is configured, and says when it serves', (name) => {
  const unit = readFileSync(join(DEBIAN, `${name}.service`), 'utf8');
  for (const line of [
    'Type=notify',
    'NotifyAccess=all',
    'Restart=always',
    'StartLimitIntervalSec=0',
    'RestartPreventExitStatus=78',
  ]) {
    expect(unit.split('\n')).toContain(line);
  }
});

/** Of a node, at its shortest by default: 10 s and a margin of 2 s. Then its allocations are placed elsewhere. */
const LEASE_S = 12;
const START_S = 3;

test('an agent that is blocked is back before its node counts as lost', () => {
  const unit = readFileSync(join(DEBIAN, 'cell-agent.service'), 'utf8');
  const [, watchdogS, , restartS] = /^WatchdogSec=(\d+)s$(.|\n)*^RestartSec=(\d+)s$/m.exec(unit) ?? [];
  expect(Number(watchdogS) + Number(restartS) + START_S).toBeLessThan(LEASE_S);
});
