import { type CellClient, plainMessage, type RecoverQuorumResponse, RecoverQuorumResponseSchema } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk } from '../../confirm.ts';
import { countOf, seconds } from '../../output/units.ts';
import { waitUntilDone } from '../../wait-until-done.ts';
import type { World } from '../../world.ts';
import { readMemberId } from './member-id.ts';

const POLL_MS = 250;

export const controlPlaneRecover = defineCommand({
  path: ['control-plane', 'recover'],
  summary: 'go on with one survivor when most members are lost for good',
  description: [
    'Only when a majority of the members will never come back: writes that were acknowledged by the lost members and ' +
      'had not reached the survivor are gone. If their machines or disks can be had back, bring those back instead.',
    'The survivor becomes the only member, under a new cluster id; lost members that come back later are refused. ' +
      'Agents and their workloads go on. Add new members afterwards. It is refused while a majority can be reached, ' +
      'and while another member that can be reached has more of the log.',
    'It tells what it would do, and then asks for the name of the cluster.',
  ],
  arguments: { MEMBER: { summary: 'id of the survivor: the one with the most of the log' } },
  flags: {
    ...outputFlagSpecs,
    confirm: { kind: 'text', value: 'CLUSTER', summary: 'name of the cluster, where nobody can be asked' },
    force: {
      kind: 'switch',
      summary: 'also if another member has more of the log, is still starting, or votes while this one does not',
    },
    timeout: { kind: 'duration', default: '1m', min: '1s', max: '1h', summary: 'how long to wait until it leads' },
  },
  examples: [{ command: 'cellctl control-plane recover 1', what: 'Members 2 and 3 are lost for good' }],
  async run({ arguments: { MEMBER }, flags, world, client, print, note }) {
    const survivor = readMemberId(MEMBER);
    const { signal } = world;
    const { cluster } = await client().controlPlane.getControlPlaneStatus({}, { signal });
    const plan = await client().controlPlane.recoverQuorum({ survivor, force: flags.force }, { signal });
    const dropped = plan.dropped.join(', ');
    await note(
      `Member ${survivor} becomes the only member of the control plane; ${countOf(plan.dropped.length, 'member')} ` +
        `(${dropped}) will be refused for ever. It has the log up to ${plan.lastIndex}; later writes are lost`,
    );
    const confirmCluster = await confirmedName(world, cluster, flags.confirm);
    const request = { survivor, confirmCluster, force: flags.force };
    const started = await client().controlPlane.recoverQuorum(request, { signal });
    await waitUntilItLeads(world, client(), started, survivor, flags.timeout);
    await print({
      plain: () => plainMessage(RecoverQuorumResponseSchema, started),
      text: () =>
        `Member ${survivor} leads, alone, as cluster "${started.clusterId}". Add members now: a single one is no ` +
        'safety ("cellctl control-plane add")\n',
    });
  },
});

async function confirmedName(world: World, cluster: string, said: string | undefined): Promise<string> {
  let name = said;
  if (name === undefined) {
    if (!canAsk(world)) {
      const message = `Recovery gives up what only the lost members have; say "--confirm ${cluster}" if you want that`;
      throw new CliError('CELL_E_NOT_CONFIRMED', message);
    }
    await world.errors.write('Type the name of the cluster to go on: ');
    name = (await world.input.readLine(world.signal))?.trim();
  }
  if (name === cluster) return name;
  throw new CliError('CELL_E_NOT_CONFIRMED', `Nothing was changed: "${name ?? ''}" is not the name of the cluster`);
}

async function waitUntilItLeads(
  world: World,
  client: CellClient,
  { clusterId }: RecoverQuorumResponse,
  survivor: bigint,
  timeoutMs: number,
): Promise<void> {
  await waitUntilDone(world, {
    pollMs: POLL_MS,
    timeoutMs,
    look: async () => {
      const status = await client.controlPlane.getControlPlaneStatus({}, { signal: world.signal, attemptsMax: 1 });
      return status.clusterId === clusterId && status.leaderId === survivor ? { done: undefined } : { text: '' };
    },
    passes: () => true,
    line: () => `Member ${survivor} starts again as the only member …`,
    overdue: () => `Member ${survivor} does not lead yet after ${seconds(timeoutMs)}; look at its log`,
  });
}
