import type { Secret } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { namespaceFlagSpecs } from './namespace-flag.ts';

const NAMESPACE_DEFAULT = 'default';

export const secretRemove = defineCommand({
  path: ['secret', 'remove'],
  summary: 'forget a secret',
  description: ['What runs keeps the value until it ends; jobs that name the secret can not start any more.'],
  arguments: { NAME: { summary: 'its name' } },
  flags: { ...namespaceFlagSpecs },
  examples: [{ command: 'cellctl secret remove old-password', what: 'No job names it any more' }],
  async run({ arguments: { NAME }, flags, world, client }) {
    const namespace = flags.namespace ?? '';
    const { secrets } = await client().secrets.listSecrets({ namespace }, { signal: world.signal });
    await client().secrets.removeSecret({ name: NAME, namespace }, { signal: world.signal });
    const jobs = removedOf(secrets, NAME)?.jobs ?? [];
    const left = jobs.length === 0 ? '' : `; still named by ${jobs.join(', ')}, which can not start without it`;
    await world.output.write(`Secret "${NAME}" is removed${left}\n`);
  },
});

/** Of those that one may see: without a namespace it is the usual one, or the only one of the token. */
function removedOf(secrets: readonly Secret[], name: string): Secret | undefined {
  const named = secrets.filter((secret) => secret.name === name);
  return named.find(({ namespace }) => namespace === NAMESPACE_DEFAULT) ?? named[0];
}
