import { resolve } from 'node:path';
import { plainMessage, SetSecretResponseSchema } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk } from '../../confirm.ts';
import { readSmallFileBytes } from '../../connection/private-file.ts';
import { countOf } from '../../output/units.ts';
import type { World } from '../../world.ts';
import { namespaceFlagSpecs } from './namespace-flag.ts';

const VALUE_BYTES_MAX = 64 * 1024;

export const secretSet = defineCommand({
  path: ['secret', 'set'],
  summary: 'store a secret for jobs, or give it a new value',
  description: [
    'The value is asked for, or comes from a file or standard input, byte for byte; it is never an argument. Nobody ' +
      'can read it back. A job has it by [secrets] in its job file; what runs gets a new value with its next start.',
  ],
  arguments: { NAME: { summary: 'letters, digits, ".", "_" and "-"' } },
  flags: {
    ...outputFlagSpecs,
    ...namespaceFlagSpecs,
    file: { kind: 'text', value: 'FILE', summary: 'where the value is; "-" for standard input', completes: 'file' },
  },
  examples: [
    { command: 'cellctl secret set database-password', what: 'Asks for the value, without showing it' },
    { command: 'cellctl secret set tls-key --namespace team-a --file key.pem', what: 'From a file' },
  ],
  async run({ arguments: { NAME }, flags, world, client, print }) {
    const value = await readValue(world, NAME, flags.file);
    if (value.length === 0) throw new CliError('CELL_E_USAGE', `The value of secret "${NAME}" is empty`);
    const request = { name: NAME, namespace: flags.namespace ?? '', value };
    const response = await client().secrets.setSecret(request, { signal: world.signal });
    const { secret } = response;
    const users = secret === undefined || secret.jobs.length === 0 ? 'no job names it yet' : secret.jobs.join(', ');
    const named = secret === undefined || secret.jobs.length === 0 ? users : `used by ${users} from their next start`;
    await print({
      plain: () => plainMessage(SetSecretResponseSchema, response),
      text: () => `Secret "${NAME}" has version ${secret?.version ?? 1}, ${countOf(value.length, 'byte')}; ${named}\n`,
    });
  },
});

async function readValue(world: World, name: string, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined && file !== '-') {
    return readSmallFileBytes(resolve(world.currentFolder, file), 'the value in', VALUE_BYTES_MAX);
  }
  if (file === '-' || !canAsk(world)) return readStandardInput(world);
  try {
    // Hidden first: who is asked may answer at once.
    const answer = world.input.readHidden(world.signal);
    const [typed] = await Promise.all([answer, world.errors.write(`Value of secret "${name}" (it is not shown): `)]);
    return Buffer.from(typed ?? '');
  } finally {
    await world.errors.write('\n');
  }
}

async function readStandardInput({ input }: World): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of input.pieces()) {
    bytes += piece.length;
    if (bytes > VALUE_BYTES_MAX) {
      throw new CliError('CELL_E_FILE', `The value has more than ${VALUE_BYTES_MAX} bytes, which is all that is taken`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
