import { defineCommand } from '../../command-line/command-spec.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';

export const completion = defineCommand({
  path: ['completion'],
  summary: 'completion for a shell: commands, flags, and names of jobs, nodes, allocations',
  arguments: { SHELL: { summary: 'which shell', choices: ['bash', 'zsh', 'fish'] } },
  flags: {},
  examples: [
    { command: 'eval "$(cellctl completion bash)"', what: 'Try it in this shell' },
    { command: 'cellctl completion fish >~/.config/fish/completions/cellctl.fish', what: 'Keep it' },
  ],
  async run({ arguments: { SHELL }, world }) {
    await world.output.write(COMPLETION_SCRIPTS[SHELL as keyof typeof COMPLETION_SCRIPTS]);
  },
});
