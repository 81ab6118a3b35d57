/**
 * A daemon without a duty, for tests: SIGUSR2 makes it ready, SIGUSR1 blocks its event loop for as long as there is the
 * file that TINY_BLOCK names.
 */
import { existsSync } from 'node:fs';
import { choice, list, loadSettings, optional, table, text, withDefault } from '@cell/config';
import { type Duty, runDaemon } from '../index.ts';

/** A test that fails leaves nothing behind that never ends. */
const BLOCKED_MS_MAX = 60_000;
const LOOK_MS = 5;

const schema = table({
  colour: withDefault(text(), 'red'),
  shapes: optional(list(table({ kind: text() }), 1, 9)),
  log: table({ level: withDefault(choice('trace', 'debug', 'info', 'warn', 'error'), 'info') }),
});

let ready = false;
process.on('SIGUSR2', () => {
  ready = true;
});
process.on('SIGUSR1', () => {
  const untilMs = performance.now() + BLOCKED_MS_MAX;
  while (existsSync(process.env['TINY_BLOCK']!) && performance.now() < untilMs) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
});

runDaemon({
  manual: {
    name: 'tiny-daemon',
    summary: 'does nothing',
    usage: ['[--config FILE]'],
    paragraphs: [],
    flags: [['--config FILE', 'configuration']],
    examples: ['tiny-daemon --config tiny.toml'],
  },
  version: '1.2.3',
  configFile: '/nowhere/tiny.toml',
  load: (source) => loadSettings({ ...source, variables: [] }, schema),
  logFields: () => ({ name: 'tiny-daemon' }),
  start(_settings, log): Duty {
    const inherited = Object.keys(process.env).filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name));
    log.info(`What it starts inherits of systemd: [${inherited.join(' ')}]`);
    setInterval(() => log.debug(`ready ${ready}`), 20).unref();
    return {
      started: Promise.resolve(),
      standing: () => ({ ready, text: 'Waits' }),
      stop: () => Promise.resolve(),
    };
  },
  stopping: '; nothing is lost',
});
