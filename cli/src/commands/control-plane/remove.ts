import { plainMessage, RemoveMemberResponseSchema } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';
import { memberChangeView } from './member-change-view.ts';
import { readMemberId } from './member-id.ts';

export const controlPlaneRemove = defineCommand({
  path: ['control-plane', 'remove'],
  summary: 'take a member out of the control plane, for ever',
  description: [
    'Its id can not be used again, and its process ends. If it leads, leadership moves first. It is refused if those ' +
      'that remain have no majority that can be reached, since nothing could be written any more.',
  ],
  arguments: { MEMBER: { summary: 'its id' } },
  flags: {
    ...outputFlagSpecs,
    yes: { kind: 'switch', short: 'y', summary: 'do not ask; needed where nobody can be asked' },
    force: { kind: 'switch', summary: 'also if those that remain have no majority now' },
  },
  examples: [{ command: 'cellctl control-plane remove 2', what: 'Member 2 is broken and was replaced' }],
  async run({ arguments: { MEMBER }, flags, world, client, print }) {
    const id = readMemberId(MEMBER);
    const what = `removes member ${id} from the control plane, and it can not come back with this id`;
    if (!flags.yes) {
      if (!canAsk(world)) throw new CliError('CELL_E_NOT_CONFIRMED', `This ${what}; say "--yes" if you want that`);
      await confirm(world, `This ${what}. Go on?`);
    }
    const response = await client().controlPlane.removeMember({ id, force: flags.force }, { signal: world.signal });
    const plain = plainMessage(RemoveMemberResponseSchema, response);
    await print(memberChangeView(`Member ${id} is removed`, response.members, plain));
  },
});
