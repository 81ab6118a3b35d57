import { Role } from '@cell/sdk';
import { expect, test } from 'vitest';
import { runCellctl, secondsAgo } from '../../testing/run-cellctl.ts';

const TEXT = 'celljoin_the-text-of-the-token';

function creating(asked: unknown[] = []) {
  return {
    createToken: (request: { name: string; role: Role }) => {
      asked.push(request);
      const token = { id: 'abc', ...request, expiresAt: secondsAgo(-3_600), usesLeft: 20 };
      return { token, text: TEXT };
    },
  };
}

test('the text of a new token stands alone on the output, what it is on the error output', async () => {
  const asked: unknown[] = [];
  const words = ['token', 'create', '--role', 'agent', '--uses', '20'];
  expect(await runCellctl(words, creating(asked))).toMatchObject({
    exitCode: 0,
    output: `${TEXT}\n`,
    errors: 'Token "agent-drill-1" (abc): agent, 20 uses, until 2026-01-02 13:00:00Z (in 1h). It is shown this once\n',
  });
  expect(asked).toMatchObject([{ name: 'agent-drill-1', role: Role.AGENT, ttlSeconds: 3_600n, uses: 20 }]);
  const json = await runCellctl([...words, '-o', 'json'], creating());
  expect(JSON.parse(json.output)).toMatchObject({ text: TEXT, token: { role: 'agent', usesLeft: 20 } });
});

test('a token of people has no end unless one is given', async () => {
  const asked: unknown[] = [];
  const words = ['token', 'create', '--role', 'operator', '--name', 'deploy', '--namespace', 'team-a'];
  await runCellctl(words, creating(asked));
  await runCellctl([...words, '--ttl', '90d'], creating(asked));
  expect(asked).toMatchObject([
    { name: 'deploy', role: Role.OPERATOR, namespace: 'team-a', ttlSeconds: 0n, uses: 0 },
    { ttlSeconds: 7_776_000n },
  ]);
});

test.each([
  [['token', 'create'], /^CELL_E_USAGE: Say what the token entitles to with "--role": one of viewer, operator/],
  [['token', 'create', '--role', 'root'], /^CELL_E_USAGE: Flag "--role" has the value "root"\. It must be one of/],
])('%j makes none', async (words, message) => {
  const result = await runCellctl(words, creating());
  expect(result).toMatchObject({ exitCode: 1, output: '', calls: [] });
  expect(result.errors).toMatch(message);
});

test('a token is revoked by its name', async () => {
  const asked: unknown[] = [];
  const revokeToken = (request: unknown) => {
    asked.push(request);
    return { token: { name: 'deploy' } };
  };
  const result = await runCellctl(['token', 'revoke', 'deploy'], { revokeToken });
  expect(result).toMatchObject({ exitCode: 0, output: 'Token "deploy" is revoked\n' });
  expect(asked).toMatchObject([{ token: 'deploy' }]);
});
