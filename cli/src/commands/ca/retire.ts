import type { Authority, CellClient } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { canAsk, confirm } from '../../confirm.ts';
import { countOf } from '../../output/units.ts';

export const caRetire = defineCommand({
  path: ['ca', 'retire'],
  summary: 'end the trust in an authority that was replaced, before that happens by itself',
  description: [
    'As when its key was stolen. Nodes that still have a certificate of it are shut out until they join anew: put a new ' +
      'token into the file that "join_token_file" names there. They stay the nodes that they were, and keep what they run.',
  ],
  arguments: { AUTHORITY: { summary: 'its id or the beginning of it; "cellctl ca status" shows it' } },
  flags: { yes: { kind: 'switch', short: 'y', summary: 'do not ask; needed where nobody can be asked' } },
  trustChanges: 'before',
  examples: [{ command: 'cellctl ca retire 3f2a', what: 'Whoever has its key can do nothing with it any more' }],
  async run({ arguments: { AUTHORITY }, flags, world, client }) {
    if (!flags.yes) {
      const known = await find(client(), AUTHORITY, world.signal);
      const shutOut = known === undefined || known.nodes === 0 ? '' : `, and shuts out ${countOf(known.nodes, 'node')}`;
      const what = `ends the trust in authority "${known?.id ?? AUTHORITY}"${shutOut}`;
      if (!canAsk(world)) throw new CliError('CELL_E_NOT_CONFIRMED', `This ${what}; say "--yes" if you want that`);
      await confirm(world, `This ${what}. Go on?`);
    }
    await client().identity.retireAuthority({ authority: AUTHORITY }, { signal: world.signal });
    await world.output.write(`Authority "${AUTHORITY}" is not trusted any more\n`);
  },
});

async function find(client: CellClient, authority: string, signal: AbortSignal): Promise<Authority | undefined> {
  const { authorities } = await client.identity.getAuthorities({}, { signal });
  return authorities.find(({ id }) => id.startsWith(authority));
}
