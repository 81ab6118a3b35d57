import { plainMessage, SetNodeEligibilityResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';

export const nodeEligibility = defineCommand({
  path: ['node', 'eligibility'],
  summary: 'say whether a node may be given new allocations',
  description: [
    'What runs there stays, also when it is off; what ends there is replaced elsewhere. A node that is drained is ' +
      'given back with "cellctl node undrain" instead.',
  ],
  arguments: {
    NODE: { summary: 'its name, or its id or the beginning of it', completes: 'node' },
    ELIGIBLE: { summary: 'whether it may', choices: ['on', 'off', 'eligible', 'ineligible'] },
  },
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl node eligibility node-1 off', what: 'Nothing more goes there, and nothing moves' }],
  async run({ arguments: { NODE, ELIGIBLE }, world, client, print }) {
    const eligible = ELIGIBLE === 'on' || ELIGIBLE === 'eligible';
    const response = await client().nodes.setNodeEligibility({ node: NODE, eligible }, { signal: world.signal });
    const what = eligible ? 'may be given allocations' : 'is given no more allocations; what runs there stays';
    await print({
      plain: () => plainMessage(SetNodeEligibilityResponseSchema, response),
      text: () => `Node "${response.node?.name ?? NODE}" ${what}\n`,
    });
  },
});
