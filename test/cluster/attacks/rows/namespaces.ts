/** What somebody with a token for one namespace tries in others. */
import { specToProto } from '@cell/job/wire';
import { type CellApiError, type CellClient, parseJobFile, Role } from '@cell/sdk';
import { describe, expect, test } from 'vitest';
import { runJob, settled } from '../../harness/run-job.ts';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';

export function namespaceRows(attacked: () => AttackedFleet): void {
  describe('namespaces', () => {
    test('a token for a namespace reaches no job, output, command or secret of another one', async () => {
      const { text, id } = await attacked().makeToken('team', Role.OPERATOR, { namespace: 'team-a' });
      const team = attacked().fleet.client({ token: text });
      const { id: allocationId } = attacked().allocation;
      const tried: Readonly<Record<string, Promise<unknown>>> = {
        'see a job': team.jobs.getJob({ name: 'web' }),
        'stop a job': team.jobs.stopJob({ name: 'web' }),
        'take over its name': submit(team, job('web', 'namespace = "team-a"')),
        'run a job elsewhere': submit(team, job('mine', '')),
        'see an allocation': team.allocations.getAllocation({ id: allocationId }),
        'read output': read(team.allocations.streamLogs({ allocationId })),
        'run a command': read(team.exec({ allocationId, command: ['id'] }, nothing())),
        'set a secret': team.secrets.setSecret({ namespace: 'default', name: 'database', value: Buffer.from('mine') }),
        'remove a secret': team.secrets.removeSecret({ namespace: 'default', name: 'database' }),
        'name a secret of others': submit(team, job('mine', 'namespace = "team-a"', SECRETS)),
        'be root': submit(team, job('mine', 'namespace = "team-a"\nsandbox = "none"')),
        'be another user': submit(team, job('mine', 'namespace = "team-a"\nuser = "root"')),
        'drain a node': team.nodes.drainNode({ node: 'node-1' }),
        'make a token': team.identity.createToken({ name: 'more', role: Role.OPERATOR }),
        'crash the leader': team.drills.crashLeader({}),
      };
      const ends = await Promise.all(
        Object.entries(tried).map(async ([what, call]) => [what, await codeOf(call)] as const),
      );
      expect(Object.fromEntries(ends)).toMatchInlineSnapshot(`
        {
          "be another user": "CELL_E_FORBIDDEN",
          "be root": "CELL_E_FORBIDDEN",
          "crash the leader": "CELL_E_FORBIDDEN",
          "drain a node": "CELL_E_FORBIDDEN",
          "make a token": "CELL_E_FORBIDDEN",
          "name a secret of others": "CELL_E_NOT_FOUND",
          "read output": "CELL_E_NOT_FOUND",
          "remove a secret": "CELL_E_FORBIDDEN",
          "run a command": "CELL_E_NOT_FOUND",
          "run a job elsewhere": "CELL_E_FORBIDDEN",
          "see a job": "CELL_E_NOT_FOUND",
          "see an allocation": "CELL_E_NOT_FOUND",
          "set a secret": "CELL_E_FORBIDDEN",
          "stop a job": "CELL_E_NOT_FOUND",
          "take over its name": "CELL_E_CONFLICT",
        }
      `);
      expect((await team.jobs.listJobs({})).jobs).toEqual([]);
      expect((await team.allocations.listAllocations({})).allocations).toEqual([]);
      expect((await team.secrets.listSecrets({})).secrets).toEqual([]);
      const actor = `token/team (${id})`;
      await attacked().audited({ actor, method: 'SecretService/SetSecret', outcome: 'CELL_E_FORBIDDEN' });
      await attacked().audited({ actor, method: 'JobService/SubmitJob' }, 5);
      await attacked().audited({ actor, method: 'NodeService/DrainNode', outcome: 'CELL_E_FORBIDDEN' });
      // What is its own it may.
      await runJob(team, job('mine', 'namespace = "team-a"'));
      await settled(team, 'mine', { count: 1 });
      await team.jobs.stopJob({ name: 'mine' });
    });
  });
}

const SECRETS = '\n[secrets]\ndatabase = "database"\n';

function job(name: string, settings: string, tables = ''): string {
  return `name = "${name}"\ncommand = ["sleep", "3600"]\n${settings}\n${tables}\n[resources]\ncpu = 0.01\nmemory = "1MiB"\n`;
}

async function submit(client: CellClient, toml: string): Promise<unknown> {
  const parsing = parseJobFile(toml, '-');
  if ('problems' in parsing) throw new Error(parsing.problems.map(({ text }) => text).join('\n'));
  return client.jobs.submitJob({ spec: specToProto(parsing.spec) });
}

async function read(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) break;
}

async function* nothing(): AsyncGenerator<never> {}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return (error as CellApiError).code;
  }
}
