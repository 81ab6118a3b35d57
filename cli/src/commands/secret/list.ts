import { ListSecretsResponseSchema, plainMessage, type Secret } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import type { Style } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age } from '../../output/timestamp-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAMESPACE', widthMin: 9 },
  { title: 'SECRET', widthMin: 12 },
  { title: 'VERSION', align: 'right' },
  { title: 'BYTES', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'JOBS', widthMin: 8, cut: 'end' },
  { title: 'SET BY', wide: true },
];

export const secretList = defineCommand({
  path: ['secret', 'list'],
  summary: 'secrets for jobs, without their values',
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    namespace: { kind: 'text', value: 'NAMESPACE', summary: 'only of this one (default: all that you may see)' },
  },
  examples: [{ command: 'cellctl secret list', what: 'Which there are, and which jobs name them' }],
  async run({ flags, world, client, print }) {
    const request = { namespace: flags.namespace ?? '' };
    const response = await client().secrets.listSecrets(request, { signal: world.signal });
    await print({
      plain: () => plainMessage(ListSecretsResponseSchema, response),
      text: (style) => (response.secrets.length === 0 ? 'No secrets\n' : renderSecrets(response.secrets, style)),
    });
  },
});

function renderSecrets(secrets: readonly Secret[], style: Style): string {
  const rows = secrets.map((secret) => [
    secret.namespace,
    secret.name,
    String(secret.version),
    String(secret.sizeBytes),
    age(secret.changedAt, style),
    secret.jobs.join(', '),
    secret.changedBy,
  ]);
  return renderTable(COLUMNS, rows, style);
}
