import { defineCommand } from '../../command-line/command-spec.ts';
import { namespaceFlagSpecs } from './namespace-flag.ts';

export const secretRemove = defineCommand({
  path: ['secret', 'remove'],
  summary: 'forget a secret',
  description: ['What runs keeps the value until it ends; jobs that name the secret can not start any more.'],
  arguments: { NAME: { summary: 'its name' } },
  flags: { ...namespaceFlagSpecs },
  examples: [{ command: 'cellctl secret remove old-password', what: 'No job names it any more' }],
  async run({ arguments: { NAME }, flags, world, client }) {
    await client().secrets.removeSecret({ name: NAME, namespace: flags.namespace ?? '' }, { signal: world.signal });
    await world.output.write(`Secret "${NAME}" is removed\n`);
  },
});
