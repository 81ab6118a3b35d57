import { plainMessage, TransferLeadershipResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { readMemberId } from './member-id.ts';

export const controlPlaneTransfer = defineCommand({
  path: ['control-plane', 'transfer'],
  summary: 'hand leadership to another member, as before work on the machine of the leader',
  description: ['Writes wait for some milliseconds meanwhile. Without a member, the most suitable one is taken.'],
  arguments: { MEMBER: { summary: 'the new leader', optional: true } },
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl control-plane transfer 3', what: 'Member 3 leads from now on' }],
  async run({ arguments: { MEMBER }, world, client, print }) {
    const to = MEMBER === undefined ? 0n : readMemberId(MEMBER);
    const response = await client().controlPlane.transferLeadership({ to }, { signal: world.signal });
    await print({
      plain: () => plainMessage(TransferLeadershipResponseSchema, response),
      text: () => `Member ${response.leaderId} leads\n`,
    });
  },
});
