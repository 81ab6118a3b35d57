import { X509Certificate } from 'node:crypto';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { chosenContext, type PersonsPlace, readConfiguration } from '../../connection/configuration.ts';
import { identityFolder, readContextIdentity } from '../../connection/context-identity.ts';
import { type Column, renderTable } from '../../output/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'CONTEXT', widthMin: 12 },
  { title: 'USED' },
  { title: 'IDENTITY' },
  { title: 'CONTROL PLANE', widthMin: 14, cut: 'end' },
];

export const contextList = defineCommand({
  path: ['context', 'list'],
  summary: 'the control planes that you have noted down, and who you are there',
  description: ['From ~/.config/cell/config.toml and what "cellctl login" stored; nobody is called.'],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl context list', what: 'Which one is used, and where you are logged in' }],
  async run({ globals, sources, print }) {
    const configuration = readConfiguration(sources);
    const used = chosenContext(globals.context, sources, configuration);
    const contexts = Object.entries(configuration?.contexts ?? {}).map(([name, { addresses }]) => {
      return { name, used: name === used, identity: identityText(sources, name), addresses };
    });
    await print({
      plain: () => ({ contexts }),
      text: (style) => {
        if (contexts.length === 0) return 'No contexts; "cellctl login" makes one\n';
        const rows = contexts.map((each) => [
          each.name,
          each.used ? 'yes' : '',
          each.identity,
          each.addresses.join(', '),
        ]);
        return renderTable(COLUMNS, rows, style);
      },
    });
  },
});

function identityText(place: PersonsPlace, name: string): string {
  const folder = identityFolder(place, name);
  const identity = folder === undefined ? undefined : readContextIdentity(folder);
  if (identity?.token !== undefined) return 'token';
  if (identity?.credentials === undefined) return 'none';
  const { validToDate } = new X509Certificate(identity.credentials.chain);
  return `certificate until ${validToDate.toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
