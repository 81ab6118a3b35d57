/** Nodes and members that say more than is theirs to say. */
import { create, toBinary } from '@bufbuild/protobuf';
import { AgentService, FetchSecretsRequestSchema, SendLogsRequestSchema } from '@cell/proto';
import { AllocationState } from '@cell/sdk';
import { describe, expect, test } from 'vitest';
import { runJob } from '../../harness/run-job.ts';
import { waitFor } from '../../harness/wait-for.ts';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';
import { calling, RawCaller } from '../testing/raw-caller.ts';
import { all, methods } from '../testing/services.ts';

const { fetchSecrets, sendLogs } = AgentService.method;

export function nodeRows(attacked: () => AttackedFleet): void {
  describe('nodes and members', () => {
    test('a node may call no method of people and none of members', async () => {
      const { id, credentials } = await attacked().takenNode();
      const before = attacked().before();
      const people = await RawCaller.open({ port: attacked().grpcPort, credentials });
      expect(await people.codes(methods.people)).toEqual(all(methods.people, 'CELL_E_FORBIDDEN'));
      const peers = await RawCaller.open({ port: attacked().peersPort, credentials });
      expect(await peers.codes(methods.peers)).toEqual(all(methods.peers, 'CELL_E_FORBIDDEN'));
      for (const caller of [people, peers]) caller.close();
      await attacked().logged(before, new RegExp(`node/${id} from 127.0.0.1: PeerService/Crash: CELL_E_FORBIDDEN`));
      await attacked().audited({ actor: `node/${id}`, outcome: 'CELL_E_FORBIDDEN' }, 20);
    });

    test('a node that says it is another one is refused, and the other one goes on', async () => {
      const node = await attacked().takenNode();
      const { nodeId, nodeName } = attacked().allocation;
      const session = node.session({ id: nodeId, name: nodeName });
      await expect.poll(() => session.end).toBe('CELL_E_FORBIDDEN');
      expect(session.heard).toEqual([]);
    });

    test("what a node reports of another's allocation does not count", async () => {
      const node = await attacked().takenNode();
      const { id } = attacked().allocation;
      const session = node.session();
      await session.hears('desired');
      session.report(id, AllocationState.FAILED, 'says somebody else');
      await session.beat();
      // Reports are written together; by then this one was, and so were those before.
      await session.beat();
      const { allocation } = await attacked().client.allocations.getAllocation({ id });
      expect(allocation).toMatchObject({ state: AllocationState.HEALTHY });
      expect(session.end).toBeUndefined();
      session.close();
    });

    test("secrets of another node's allocation are not there for a node, and that it asked is logged", async () => {
      const { credentials } = await attacked().takenNode();
      const before = attacked().before();
      const asked = toBinary(
        FetchSecretsRequestSchema,
        create(FetchSecretsRequestSchema, { allocationId: attacked().allocation.id }),
      );
      const { code, message } = await calling({ port: attacked().grpcPort, credentials }, fetchSecrets, {}, asked);
      expect([code, message]).toEqual(['CELL_E_NOT_FOUND', expect.not.stringMatching(/secret/)]);
      await attacked().logged(before, /asked for secrets of an allocation that is not its own/);
    });

    test('who was not asked for output can not answer, even if it knows the request', async () => {
      const [asked, other] = [await attacked().takenNode(), await attacked().takenNode()];
      const { client } = attacked();
      const session = asked.session({ cpuMillis: 1_000 });
      await session.hears('desired');
      await runJob(client, jobOn(asked.name));
      const placed = await waitFor(
        async () =>
          (await client.jobs.getJob({ name: 'lonely' })).allocations.find((each) => each.nodeName === asked.name),
        { what: 'the job to be placed' },
      );
      session.report(placed.id, AllocationState.RUNNING, '');
      const lines: string[] = [];
      const reading = (async () => {
        for await (const { data } of client.allocations.streamLogs({ allocationId: placed.id })) {
          lines.push(Buffer.from(data).toString());
        }
      })();
      const { requestId } = await session.hears('openLogs');
      const forged = toBinary(
        SendLogsRequestSchema,
        create(SendLogsRequestSchema, { requestId, data: Buffer.from('forged') }),
      );
      const thief = await RawCaller.open({ port: attacked().grpcPort, credentials: other.credentials });
      expect(await thief.code(sendLogs, {}, forged)).toBe('CELL_E_NOT_FOUND');
      thief.close();
      const honest = toBinary(
        SendLogsRequestSchema,
        create(SendLogsRequestSchema, { requestId, data: Buffer.from('true') }),
      );
      const owner = { port: attacked().grpcPort, credentials: asked.credentials };
      expect(await calling(owner, sendLogs, {}, honest)).toMatchObject({ code: 'ok' });
      await reading;
      expect(lines.join('')).toBe('true');
      await client.jobs.stopJob({ name: 'lonely' });
      // It is not there for jobs of others.
      await client.nodes.setNodeEligibility({ node: asked.name, eligible: false });
      session.close();
    });

    test('a member speaks for itself only', async () => {
      const { authority, peersPort: port } = attacked();
      const credentials = authority.credentials({ kind: 'member', id: 2 });
      const before = attacked().before();
      const caller = await RawCaller.open({ port, credentials });
      const third = { 'cell-member-id': '3', 'cell-cluster-id': 'any' };
      expect(await caller.codes(methods.peers, third)).toEqual(all(methods.peers, 'CELL_E_FORBIDDEN'));
      caller.close();
      await attacked().logged(before, /member\/2 from 127\.0\.0\.1: PeerService\/ExchangeMessages: CELL_E_FORBIDDEN/);
      await attacked().audited({ actor: 'member/2', outcome: 'CELL_E_FORBIDDEN' }, methods.peers.length);
    });

    test('a member calls nothing that is for others, and one that does not know the cluster is no member of it', async () => {
      const { authority, peersPort, grpcPort } = attacked();
      const member = authority.credentials({ kind: 'member', id: 2 });
      const people = await RawCaller.open({ port: grpcPort, credentials: member });
      const forOthers = [...methods.people, ...methods.agents];
      expect(await people.codes(forOthers)).toEqual(all(forOthers, 'CELL_E_FORBIDDEN'));
      people.close();
      const stranger = authority.credentials({ kind: 'member', id: 77 });
      const caller = await RawCaller.open({ port: peersPort, credentials: stranger });
      const said = { 'cell-member-id': '77' };
      const acting = methods.peers.filter(({ name }) => name !== 'Introduce' && name !== 'Found');
      expect(await caller.codes(acting, said)).toEqual(all(acting, 'CELL_E_FOREIGN_CLUSTER'));
      caller.close();
      expect((await attacked().client.controlPlane.getControlPlaneStatus({})).members).toHaveLength(3);
    });
  });
}

function jobOn(nodeName: string): string {
  return `name = "lonely"
command = ["true"]

[[constraints]]
attribute = "node.name"
value = "${nodeName}"

[resources]
cpu = 0.01
memory = "1MiB"
`;
}
