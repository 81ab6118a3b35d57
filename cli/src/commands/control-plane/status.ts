import { type GetControlPlaneStatusResponse, GetControlPlaneStatusResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs, readFlagSpecs } from '../../command-line/global-flags.ts';
import { paint } from '../../output/style.ts';
import { countOf } from '../../output/units.ts';
import type { View } from '../../output/view.ts';
import { showView } from '../../output/watch-view.ts';
import { renderMembers } from './member-table.ts';

export const controlPlaneStatus = defineCommand({
  path: ['control-plane', 'status'],
  summary: 'members of the control plane, and which of them leads',
  description: ['As the member sees it that is asked; it needs no leader.'],
  arguments: {},
  flags: { ...outputFlagSpecs, watch: readFlagSpecs.watch },
  examples: [{ command: 'cellctl control-plane status -o wide', what: 'With logs, snapshots and all addresses' }],
  async run(input) {
    await showView(input, input.flags.watch, async () => {
      return membersView(await input.client().controlPlane.getControlPlaneStatus({}, { signal: input.world.signal }));
    });
  },
});

export function membersView(status: GetControlPlaneStatusResponse): View {
  return {
    plain: () => plainMessage(GetControlPlaneStatusResponseSchema, status),
    text(style) {
      const { members, leaderId } = status;
      const reachable = members.filter((member) => member.reachable).length;
      const leader = leaderId === 0n ? paint('no leader', 'bad', style) : `member ${leaderId} leads`;
      const asked = `asked: member ${status.answeredBy}, which reaches ${reachable} of ${countOf(members.length, 'member')}`;
      return `${renderMembers(members, style)}\n${leader} (${asked})\n`;
    },
  };
}
