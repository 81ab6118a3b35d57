import { expect, test } from 'vitest';
import { applyCommand } from '../apply/apply-command.ts';
import type { Command } from '../commands.ts';
import { FleetTables } from '../fleet-tables.ts';
import { exampleSpec } from '../testing/fleet-arbitraries.ts';
import { exampleNote } from '../testing/identity-arbitraries.ts';
import { decodeCommand, encodeCommand } from './command-codec.ts';

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

test('a command reads back as it was written', () => {
  const command: Command = { kind: 'submit-job', timeMs: 5, spec: exampleSpec(), expectedIndex: undefined };
  expect(decodeCommand(encodeCommand(command))).toStrictEqual(command);
});

test('a command says who asked for it, and those of earlier versions say nobody', () => {
  const command: Command = { kind: 'stop-job', timeMs: 5, name: 'web', audit: exampleNote() };
  expect(decodeCommand(encodeCommand(command))).toStrictEqual(command);
  const unsaid = decodeCommand(bytesOf({ v: 1, kind: 'stop-job', timeMs: 5, name: 'web' }));
  expect(unsaid).toStrictEqual({ kind: 'stop-job', timeMs: 5, name: 'web' });
});

test('fields that this version does not know are left out', () => {
  const decoded = decodeCommand(bytesOf({ v: 1, kind: 'stop-job', timeMs: 5, name: 'web', reason: 'new' }));
  expect(decoded).toStrictEqual({ kind: 'stop-job', timeMs: 5, name: 'web' });
});

test.each([
  ['kind', { v: 1, kind: 'fly', timeMs: 5 }],
  ['kind that every object has', { v: 1, kind: 'constructor', timeMs: 5 }],
  ['version', { v: 2, kind: 'stop-job', timeMs: 5, name: 'web' }],
])('an unknown %s is refused when it is applied, and changes nothing', (_what, value) => {
  const tables = new FleetTables();
  const { result, change } = applyCommand(tables, decodeCommand(bytesOf(value)), 7);
  expect(result).toMatchObject({ ok: false, code: 'CELL_E_UNKNOWN_COMMAND' });
  expect(change.events).toEqual([]);
  expect(tables.index).toBe(7);
});

test.each([
  ['no JSON', Buffer.from('{')],
  ['no UTF-8', Buffer.from([0xff, 0xfe])],
  ['null', bytesOf(null)],
  ['without a version', bytesOf({ kind: 'stop-job', timeMs: 5, name: 'web' })],
  ['without a kind', bytesOf({ v: 1 })],
  ['without a field', bytesOf({ v: 1, kind: 'stop-job', timeMs: 5 })],
  ['with a field of another type', bytesOf({ v: 1, kind: 'stop-job', timeMs: '5', name: 'web' })],
  ['with a negative amount', bytesOf({ v: 1, kind: 'write-mark', timeMs: 5, drillId: 'd', sequence: -1 })],
  ['with half a note', bytesOf({ v: 1, kind: 'stop-job', timeMs: 5, name: 'web', audit: { actor: 'nobody' } })],
  ['with a list that is none', bytesOf({ v: 1, kind: 'report-allocations', timeMs: 5, reports: {} })],
])('bytes that are %s are malformed', (_what, bytes) => {
  expect(() => decodeCommand(bytes)).toThrow(expect.objectContaining({ code: 'CELL_E_COMMAND_MALFORMED' }));
});

test('a malformed command says where and what', () => {
  const value = {
    v: 1,
    kind: 'submit-job',
    timeMs: 5,
    spec: { ...exampleSpec(), ports: [{ name: 'http', port: 'x' }] },
  };
  expect(() => decodeCommand(bytesOf(value))).toThrow(
    'A command can\'t be read: Expected a whole number at "spec.ports[0].port" and found "x"',
  );
});
