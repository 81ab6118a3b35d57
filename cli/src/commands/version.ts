import { defineCommand } from '../command-line/command-spec.ts';
import { outputFlagSpecs } from '../command-line/global-flags.ts';
import { VERSION } from '../version.ts';

export const version = defineCommand({
  path: ['version'],
  summary: 'version of this program',
  description: ['"cellctl control-plane status" and "cellctl node list" show the versions of the fleet.'],
  arguments: {},
  flags: outputFlagSpecs,
  examples: [{ command: 'cellctl version', what: 'Show it' }],
  async run({ print }) {
    await print({
      plain: () => ({ version: VERSION, node: process.version }),
      text: () => `cellctl ${VERSION} (Node ${process.version})\n`,
    });
  },
});
