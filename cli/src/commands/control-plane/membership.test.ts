/** The commands that change who the members are. */
import { MemberKind } from '@cell/sdk';
import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { type CellctlOptions, runCellctl } from '../../testing/run-cellctl.ts';
import { Interruption } from '../../world.ts';

const members = [
  { id: 1n, role: 'leader', reachable: true, kind: MemberKind.VOTER, grpcAddress: '10.0.0.11:7600' },
  { id: 4n, role: 'follower', reachable: true, kind: MemberKind.LEARNER, grpcAddress: '10.0.0.14:7600' },
];

function run(words: string, handlers: Parameters<typeof runCellctl>[1], options: CellctlOptions = {}) {
  return runCellctl(['control-plane', ...words.split(' ')], handlers, options);
}

test('a member is added with the usual ports, and gets its vote once it has caught up', async () => {
  let request: unknown;
  let looks = 0;
  const result = await run('add 4 10.0.0.14', {
    addMember: (said: object) => {
      request = said;
      return { members };
    },
    promoteMember: () => {
      looks += 1;
      if (looks < 3) throw codedError('CELL_E_NOT_CAUGHT_UP', 'Member 4 lacks 5000 entries');
      return { members };
    },
  });
  expect(request).toMatchObject({
    id: 4n,
    grpcAddress: '10.0.0.14:7600',
    peerAddress: '10.0.0.14:7601',
    httpAddress: '10.0.0.14:7602',
  });
  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.output.split('\n')[0]).toBe('Member 4 is there and votes');
  expect(result.errors).toContain('Member 4 is a learner. Start it now');
  expect(looks).toBe(3);
});

test('addresses of their own go before the usual ports, and a host with a port is refused', async () => {
  let request: unknown;
  const handlers = {
    addMember: (said: object) => {
      request = said;
      return { members };
    },
  };
  await run('add 4 [fd00::4] --learner --grpc 10.0.0.14:8600', handlers);
  expect(request).toMatchObject({ grpcAddress: '10.0.0.14:8600', peerAddress: '[fd00::4]:7601' });
  const wrong = await run('add 4 10.0.0.14:7600', handlers);
  expect(wrong.errors).toContain('CELL_E_USAGE: "10.0.0.14:7600" is not a host; leave the port out');
});

test('what does not pass by waiting ends the waiting', async () => {
  const result = await run('add 4 10.0.0.14', {
    addMember: () => ({ members }),
    promoteMember: () => {
      throw codedError('CELL_E_NOT_FOUND', 'Member 4 was removed');
    },
  });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toContain('CELL_E_NOT_FOUND: Member 4 was removed');
});

test('a change of another member that is under way is waited for', async () => {
  const changes = ['CELL_E_CONFLICT', 'CELL_E_DISK_FULL'];
  const result = await run('add 4 10.0.0.14', {
    addMember: () => ({ members }),
    promoteMember: () => {
      const code = changes.shift();
      if (code !== undefined) throw codedError(code, 'Another change of membership is under way');
      return { members };
    },
  });
  expect(result).toMatchObject({ exitCode: 0 });
  expect(changes).toEqual([]);
});

test('when the time is over it says what is missing and how to go on', async () => {
  const result = await run('add 4 10.0.0.14 --timeout 1s', {
    addMember: () => ({ members }),
    promoteMember: () => {
      throw codedError('CELL_E_NOT_CAUGHT_UP', 'Member 4 was not heard of yet');
    },
  });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toContain(
    'CELL_E_TIMEOUT: Member 4 has no vote yet after 1.00 s (Member 4 was not heard of yet); it stays a learner, ' +
      '"cellctl control-plane promote 4" tries again',
  );
});

test('Ctrl-C ends the waiting and says that the learner stays', async () => {
  const controller = new AbortController();
  const result = await run(
    'add 4 10.0.0.14',
    {
      addMember: () => ({ members }),
      promoteMember: () => {
        controller.abort(new Interruption(130));
        throw codedError('CELL_E_NOT_CAUGHT_UP', 'Member 4 lacks 5000 entries');
      },
    },
    { signal: controller.signal },
  );
  expect(result.exitCode).toBe(130);
  expect(result.errors).toContain('Not waiting any more; "cellctl control-plane promote 4" gives it its vote');
});

test('an id that is no number is refused before anything is asked', async () => {
  for (const words of ['add four h', 'promote 0', 'remove -1', 'transfer x', 'recover 1.5']) {
    const result = await run(words, {});
    expect(result).toMatchObject({ exitCode: 1, calls: [] });
  }
});

test('a removal needs a yes', async () => {
  const asked = { removeMember: () => ({ members: [members[0]] }) };
  expect(await run('remove 4', asked)).toMatchObject({ exitCode: 1, calls: [] });
  expect(await run('remove 4', asked, { terminalColumns: 80, input: 'n' })).toMatchObject({ exitCode: 1, calls: [] });
  const removed = await run('remove 4', asked, { terminalColumns: 80, input: 'y' });
  expect(removed).toMatchObject({ exitCode: 0, calls: ['removeMember'] });
  expect(removed.output.split('\n')[0]).toBe('Member 4 is removed');
});

test('leadership moves to the member that is named, or to the most suitable one', async () => {
  const asked: bigint[] = [];
  const handlers = {
    transferLeadership: ({ to }: { readonly to: bigint }) => {
      asked.push(to);
      return { leaderId: to || 2n };
    },
  };
  expect(await run('transfer 3', handlers)).toMatchObject({ exitCode: 0, output: 'Member 3 leads\n' });
  expect(await run('transfer', handlers)).toMatchObject({ exitCode: 0, output: 'Member 2 leads\n' });
  expect(asked).toEqual([3n, 0n]);
});

const recovery = { lastIndex: 812n, dropped: [2n, 3n], clusterId: 'new' };

/** A control plane whose member 1 leads as the new cluster from the second look on. */
function recovering(requests: string[]) {
  let looks = 0;
  return {
    getControlPlaneStatus: () => {
      looks += 1;
      return looks > 2 ? { cluster: 'production', clusterId: 'new', leaderId: 1n } : { cluster: 'production' };
    },
    recoverQuorum: ({ confirmCluster }: { readonly confirmCluster: string }) => {
      requests.push(confirmCluster);
      return { ...recovery, started: confirmCluster !== '' };
    },
  };
}

test('recovery tells what is lost, asks for the name of the cluster, and waits until the survivor leads', async () => {
  const requests: string[] = [];
  const result = await run('recover 1', recovering(requests), { terminalColumns: 200, input: 'production' });
  expect(result.exitCode).toBe(0);
  expect(requests).toEqual(['', 'production']);
  expect(result.errors).toContain('2 members (2, 3) will be refused for ever. It has the log up to 812');
  expect(result.output).toContain('Member 1 leads, alone, as cluster "new"');
});

test('recovery begins only with the right name', async () => {
  for (const options of [{ terminalColumns: 80, input: 'produktion' }, { terminalColumns: 80, input: '' }, {}]) {
    const requests: string[] = [];
    const result = await run('recover 1', recovering(requests), options);
    expect(result.exitCode).toBe(1);
    expect(result.errors).toContain('CELL_E_NOT_CONFIRMED');
    expect(requests).toEqual(['']);
  }
  const requests: string[] = [];
  await run('recover 1 --confirm production', recovering(requests));
  expect(requests).toEqual(['', 'production']);
});
