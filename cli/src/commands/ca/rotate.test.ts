import { expect, test } from 'vitest';
import { runCellctl, secondsAgo, widthOf } from '../../testing/run-cellctl.ts';

const old = {
  id: '3f2ee3f7f12da975',
  nodes: 12,
  retiresAt: secondsAgo(-86_400),
  tokens: 4,
};
const rotated = (replaced: object) => ({
  rotateAuthority: () => ({
    authority: { id: '9a2ee3f7f12da975', issuing: true },
    replaced: [{ ...old, ...replaced }],
  }),
});

test('who replaces an authority is told until when the old one stays, and who depends on it', async () => {
  const { output } = await runCellctl(['ca', 'rotate'], rotated({}), { terminalColumns: 80 });
  expect(widthOf(output)).toBeLessThanOrEqual(80);
  const text = output.replaceAll(/\s+/g, ' ');
  expect(text).toMatch(/^Authority 9a2ee3f7f12da975 issues from now on /);
  expect(text).toMatch(
    /Authority 3f2ee3f7f12da975 stays trusted until \d{4}-\S+ \S+Z \(in 24h\): 12 nodes have certificates from it, /,
  );
  expect(text).toContain('4 tokens that pin it are still good: make new ones before that');
  expect(text).toContain('--cacert');
});

test('where nothing depends on the old one, nobody is asked to do anything', async () => {
  const { output } = await runCellctl(['ca', 'rotate'], rotated({ nodes: 0, tokens: 0 }));
  expect(output.replaceAll(/\s+/g, ' ')).toContain('no node has a certificate from it any more');
  expect(output).not.toContain('--cacert');
});
