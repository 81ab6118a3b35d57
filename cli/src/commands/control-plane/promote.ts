import { PromoteMemberResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { memberChangeView } from './member-change-view.ts';
import { readMemberId } from './member-id.ts';

export const controlPlanePromote = defineCommand({
  path: ['control-plane', 'promote'],
  summary: 'give a learner its vote',
  description: ['It is refused until the learner has caught up with the leader: a vote that lags holds up writes.'],
  arguments: { MEMBER: { summary: 'its id' } },
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl control-plane promote 4', what: 'Member 4 votes from now on' }],
  async run({ arguments: { MEMBER }, world, client, print }) {
    const id = readMemberId(MEMBER);
    const response = await client().controlPlane.promoteMember({ id }, { signal: world.signal });
    const plain = plainMessage(PromoteMemberResponseSchema, response);
    await print(memberChangeView(`Member ${id} votes`, response.members, plain));
  },
});
