/** Output through a real journald. */
import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRequest } from '../../../ports.ts';
import { until } from '../../../testing/until.ts';
import { RealUnits } from '../testing/real-units.ts';

let units: RealUnits;

beforeEach(async () => {
  units = new RealUnits();
  await units.open();
});
afterEach(() => units.dispose());

const WHOLE: LogRequest = { follow: false, tailLines: undefined, stream: 'both', mayGoOn: () => false };

async function read(request: Partial<LogRequest> = {}): Promise<string> {
  let text = '';
  for await (const { data } of units.runtime.readLogs(
    units.id,
    { ...WHOLE, ...request },
    new AbortController().signal,
  )) {
    text += Buffer.from(data).toString('latin1');
  }
  return text;
}

/** What is wrong with the lines "1", "2", …, `count`; empty if nothing is. */
function wrongLines(text: string, count: number): string {
  const lines = text.split('\n');
  const wrong = lines.slice(0, -1).findIndex((line, index) => line !== `${index + 1}`);
  if (wrong >= 0) return `line ${wrong + 1} is "${lines[wrong]}"`;
  return lines.length === count + 1 ? '' : `${lines.length - 1} lines`;
}

test('a hundred thousand lines at once are all there, in order', async () => {
  await units.run('seq 1 100000');
  expect(wrongLines(await read({ follow: true }), 100_000)).toBe('');
  expect(await read({ tailLines: 3 })).toBe('99998\n99999\n100000\n');
});

test('a reader that is cut off ten times while much is written gets each line once', async () => {
  await units.start(['seq', '1', '60000']);
  let text = '';
  let cursor: string | undefined;
  for (let round = 0; round <= 10; round += 1) {
    const gone = new AbortController();
    const request = { ...WHOLE, follow: true, ...(cursor === undefined ? {} : { cursor }) };
    let chunks = 0;
    for await (const chunk of units.runtime.readLogs(units.id, request, gone.signal)) {
      text += Buffer.from(chunk.data).toString();
      cursor = chunk.cursor;
      chunks += 1;
      // By either side.
      if (round < 10 && chunks === 20 + round) gone.abort();
      if (round < 10 && chunks === 20 + round && round % 2 === 0) break;
    }
  }
  expect(wrongLines(text, 60_000)).toBe('');
});

test('lines of all kinds are as they were written, but for empty ones', async () => {
  const long = 'x'.repeat(200_000);
  const script = `echo out; echo err >&2; echo; head -c 200000 /dev/zero | tr '\\0' x; echo; printf 'nul\\000\\377\\n'; printf end`;
  await units.run(script);
  const [first, second, third, fourth, last, rest] = (await read()).split(/\n/);
  expect([first, second, third, last, rest]).toEqual(['out', 'err', long, 'end', '']);
  expect(fourth).toBe('nul\0\xff');
});

test('short programs count as well, all runs in order, and what nobody else wrote', async () => {
  // Gone before journald looks at them. Of those that log by syslog(3), journald can't tell where they came from then.
  await units.run('for each in 1 2 3 4 5 6 7 8 9 10; do /bin/echo $each; done');
  // Forged: fields that anybody can write.
  const forged = [
    'MESSAGE=forged',
    `CELL_ALLOCATION=${units.id}`,
    `UNIT=${units.unit}`,
    `OBJECT_SYSTEMD_UNIT=${units.unit}`,
  ];
  spawnSync('logger', ['--journald'], { input: `${forged.join('\n')}\n` });
  await units.run('(echo by-syslog; sleep 2) | logger --tag own; seq 11 20', { run: 2 });
  await until(async () => (await read()).includes('by-syslog') || undefined);
  const lines = (await read()).trim().split('\n');
  expect(lines.filter((line) => line !== 'by-syslog')).toEqual(
    Array.from({ length: 20 }, (_, index) => `${index + 1}`),
  );
});

test('people find the output of a job and of its runs in the journal', async () => {
  await units.run('echo first');
  await units.run('echo second', { run: 2 });
  const journal = (...matches: string[]): string =>
    execFileSync('journalctl', ['--sync', '-q']).toString() +
    execFileSync('journalctl', ['-q', '-o', 'cat', ...matches], { encoding: 'utf8' });
  expect(journal('CELL_JOB=web', `CELL_ALLOCATION=${units.id}`)).toBe('first\nsecond\n');
  expect(journal(`CELL_ALLOCATION=${units.id}`, 'CELL_RUN=2')).toBe('second\n');
});

test('what is written from now on, or was written since, can be read alone', async () => {
  await units.run('echo before');
  await read();
  const sinceMs = Date.now() + 1;
  await until(() => Date.now() > sinceMs || undefined);
  await units.run('echo after', { run: 2 });
  expect(await read({ follow: true, sinceMs })).toBe('after\n');
});
