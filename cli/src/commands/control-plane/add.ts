import { AddMemberResponseSchema, plainMessage } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { Interruption } from '../../world.ts';
import { memberChangeView } from './member-change-view.ts';
import { readMemberId } from './member-id.ts';
import { promoteWhenCaughtUp } from './promote-when-caught-up.ts';

const PORTS = { grpc: 7600, peers: 7601, http: 7602 } as const;

export const controlPlaneAdd = defineCommand({
  path: ['control-plane', 'add'],
  summary: 'add a member to the control plane, and give it a vote once it has caught up',
  description: [
    'The new member begins as a learner: it gets the log and has no vote, so that it can not hold up writes. This ' +
      'command waits until it was started and has caught up, and then gives it its vote. Ctrl-C ends the waiting ' +
      'only; "cellctl control-plane promote" goes on later.',
    'Its machine needs a configuration with its own "id", the same "cluster", and "members" that name it and at least ' +
      'one member that runs. Ids are never used twice, not even after a removal.',
  ],
  arguments: {
    MEMBER: { summary: 'its id: a number that no member ever had' },
    HOST: { summary: 'where the others reach it, without a port' },
  },
  flags: {
    ...outputFlagSpecs,
    grpc: { kind: 'text', value: 'ADDRESS', summary: `for agents and people (default: HOST:${PORTS.grpc})` },
    peers: { kind: 'text', value: 'ADDRESS', summary: `for other members (default: HOST:${PORTS.peers})` },
    http: { kind: 'text', value: 'ADDRESS', summary: `for metrics (default: HOST:${PORTS.http})` },
    learner: { kind: 'switch', summary: 'leave it a learner, and do not wait' },
    timeout: { kind: 'duration', default: '10m', min: '1s', max: '7d', summary: 'how long to wait for it' },
  },
  exitCodes: { 0: 'it has its vote; with --learner: it is a learner', 1: 'error, or the time was over' },
  examples: [
    { command: 'cellctl control-plane add 4 10.0.0.14', what: 'A fourth member, with the usual ports' },
    { command: 'cellctl control-plane add 5 cp5.example.com --learner', what: 'A copy without a vote' },
  ],
  async run({ arguments: { MEMBER, HOST }, flags, world, client, print, note }) {
    const id = readMemberId(MEMBER);
    const request = {
      id,
      grpcAddress: flags.grpc ?? addressAt(HOST, PORTS.grpc),
      peerAddress: flags.peers ?? addressAt(HOST, PORTS.peers),
      httpAddress: flags.http ?? addressAt(HOST, PORTS.http),
    };
    const added = await client().controlPlane.addMember(request, { signal: world.signal });
    const later = `"cellctl control-plane promote ${id}" gives it its vote`;
    if (flags.learner) {
      const text = `Member ${id} is a learner; ${later}`;
      await print(memberChangeView(text, added.members, plainMessage(AddMemberResponseSchema, added)));
      return 0;
    }
    await note(
      `Member ${id} is a learner. Start it now, if it does not run yet: it gets its vote once it has caught up`,
    );
    try {
      const promoted = await promoteWhenCaughtUp(world, client(), id, flags.timeout);
      await print(memberChangeView(`Member ${id} is there and votes`, promoted.members, { id: Number(id) }));
      return 0;
    } catch (error) {
      if (world.signal.reason instanceof Interruption) await note(`Not waiting any more; ${later}`);
      throw error;
    }
  },
});

function addressAt(host: string, port: number): string {
  if (/^[^\s/]+$/u.test(host) && !/:\d+$/u.test(host.replace(/^\[.*\]/u, ''))) return `${host}:${port}`;
  throw new CliError(
    'CELL_E_USAGE',
    `"${host}" is not a host; leave the port out, or give "--grpc", "--peers", "--http"`,
  );
}
