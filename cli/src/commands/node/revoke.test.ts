import { expect, test } from 'vitest';
import { runCellctl } from '../../testing/run-cellctl.ts';

const handlers = {
  revokeNode: () => ({ node: { name: 'node-7' } }),
  getAuthorities: () => ({ authorities: [{ id: '3f2ee3f7', nodes: 2 }] }),
  retireAuthority: () => ({}),
};

test.each([
  ['node revoke n', 'revokeNode', 'ends the identity of node "n" for good, and its allocations move'],
  ['ca retire 3f', 'retireAuthority', 'ends the trust in authority "3f2ee3f7", and shuts out 2 nodes'],
])('%s asks before, and needs to be told where nobody can be asked', async (words, method, what) => {
  const silent = await runCellctl(words.split(' '), handlers);
  expect(silent.exitCode).toBe(1);
  expect(silent.errors).toBe(`CELL_E_NOT_CONFIRMED: This ${what}; say "--yes" if you want that\n`);
  const no = await runCellctl(words.split(' '), handlers, { terminalColumns: 80, input: 'n' });
  expect([silent.calls, no.calls].flat()).not.toContain(method);
  const yes = await runCellctl(words.split(' '), handlers, { terminalColumns: 80, input: 'y' });
  expect(yes).toMatchObject({ exitCode: 0 });
  expect(yes.errors).toContain(`This ${what}. Go on? [y/N]`);
  expect(yes.calls).toContain(method);
  const told = await runCellctl([...words.split(' '), '--yes'], handlers);
  expect(told).toMatchObject({ exitCode: 0, calls: [method] });
});
