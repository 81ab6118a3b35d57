import { pino } from 'pino';
import { expect, test } from 'vitest';
import { RefusalLog } from './refusal-log.ts';

test('the same refusal is told once a second, others at once, and the rest as a count', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = pino({}, { write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) });
  const refusals = new RefusalLog(log, () => nowMs);
  const refuse = (address: string, reason = 'untrusted') => {
    refusals.note({ code: 'CELL_E_UNAUTHENTICATED', address, reason, message: `${address} ${reason}` });
  };
  for (let count = 0; count < 1000; count += 1) refuse('10.0.0.1');
  refuse('10.0.0.2');
  refuse('10.0.0.1', 'expired');
  expect(lines).toEqual(['10.0.0.1 untrusted', '10.0.0.2 untrusted', '10.0.0.1 expired']);
  nowMs = 1000;
  refuse('10.0.0.1');
  expect(lines.slice(3)).toEqual([
    'Refused 999 more connections that were not told of one by one',
    '10.0.0.1 untrusted',
  ]);
  nowMs = 2000;
  refusals.sweep();
  expect(lines).toHaveLength(5);
});

test('who comes from many addresses does not fill the log', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const refusals = new RefusalLog(pino({}, { write: (line) => lines.push(line) }), () => nowMs);
  for (let host = 0; host < 250; host += 1) {
    refusals.note({ code: 'CELL_E_RATE_LIMITED', address: `10.0.0.${host}`, reason: 'handshakes', message: 'Refused' });
  }
  expect(lines).toHaveLength(20);
  nowMs = 1000;
  refusals.sweep();
  expect(lines.at(-1)).toContain('Refused 230 more connections');
});
