import { expect, test } from 'vitest';
import { runCellctl } from '../../testing/run-cellctl.ts';
import { AUDIT_ANCHOR, auditEntries, sentEntries } from '../../testing/sample-identity.ts';

const head = auditEntries.at(-1)!.hash;

function holding(entries: readonly object[], anchor = AUDIT_ANCHOR) {
  return {
    listAudit: async function* () {
      yield { entries, anchor };
    },
  };
}

test.each([[], [head], [AUDIT_ANCHOR], [auditEntries[0]!.hash.toUpperCase()]])(
  'a whole log is told so, also when it is expected to hold %s',
  async (expected?: string) => {
    const words = ['audit', 'verify', ...(expected === undefined ? [] : ['--expect', expected])];
    expect(await runCellctl(words, holding(sentEntries))).toMatchObject({
      exitCode: 0,
      output: `The audit log is whole: 3 entries, number 41 to 43, since 2026-01-02 11:59:00Z\nOlder entries than of 2026-01-02 11:59:00Z are in the members' own logs only\nLast hash, to note down elsewhere:\n${head}\n`,
      errors: '',
    });
  },
);

const changed = sentEntries.map((each) => (each.sequence === 42n ? { ...each, actor: 'token/somebody' } : each));
const rewritten = sentEntries.map((each) => (each.sequence === 43n ? { ...each, hash: '0'.repeat(64) } : each));

test.each<[string, readonly object[], string, RegExp]>([
  ['an entry was changed', changed, AUDIT_ANCHOR, /entry number 42, or the one before it, is not as it was written/],
  ['a hash was changed', rewritten, AUDIT_ANCHOR, /entry number 43/],
  ['an entry is missing', [sentEntries[0]!, sentEntries[2]!], AUDIT_ANCHOR, /entries are missing before number 43/],
  ['the beginning was cut off', sentEntries.slice(1), AUDIT_ANCHOR, /entry number 42/],
])('a log of which %s is told so, with exit code 1', async (_what, entries, anchor, message) => {
  const result = await runCellctl(['audit', 'verify'], holding(entries, anchor));
  expect(result.exitCode).toBe(1);
  expect(result.output).toMatch(/^The audit log is not whole: /);
  expect(result.output).toMatch(message);
  const json = await runCellctl(['audit', 'verify', '-o', 'json'], holding(entries, anchor));
  expect(json.exitCode).toBe(1);
  expect(JSON.parse(json.output)).toMatchObject({ whole: false });
});

test('a log that does not go on from what was noted down is told so', async () => {
  const result = await runCellctl(['audit', 'verify', '--expect', 'ff'.repeat(32)], holding(sentEntries));
  expect(result.exitCode).toBe(1);
  expect(result.output).toMatch(/the hash "f+" is not in it; entries before number 41 are not kept any more\n$/);
});

test('a log that has all entries that there ever were says of none that it went', async () => {
  const log = holding([{ ...sentEntries[0]!, sequence: 1n }], '');
  const listed = await runCellctl(['audit', 'list'], log);
  expect(listed.output).not.toMatch(/Older/);
  const some = await runCellctl(['audit', 'list', '-n', '2'], holding(sentEntries.slice(1)));
  expect(some.output).not.toMatch(/Older/);
  expect((await runCellctl(['audit', 'list'], holding(sentEntries))).output).toMatch(/^Older entries than of 2026/m);
});

test('a hash that is none is no sign of a changed log', async () => {
  const result = await runCellctl(['audit', 'verify', '--expect', 'ff'.repeat(10)], holding(sentEntries));
  expect(result).toMatchObject({ exitCode: 1, output: '' });
  expect(result.errors).toMatch(/^CELL_E_USAGE: Flag "--expect" has the value "f+"\. It must be a hash as/);
});
