import { GetCallerResponseSchema, type Identity, plainMessage, requestCertificate } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk } from '../../confirm.ts';
import { ADDRESSES_MAX, nonEmpty } from '../../connection/configuration.ts';
import { identityFolder, TOKEN_BYTES_MAX, writeContextIdentity } from '../../connection/context-identity.ts';
import { CONTEXT_NAME, chooseContext, setAddresses } from '../../connection/edit-configuration.ts';
import { type ConnectionSources, givenToken, givenTrust } from '../../connection/resolve-connection.ts';
import type { World } from '../../world.ts';
import { callerSentence } from './caller-view.ts';
import { contextToLogInto, membersToLogInto } from './login-target.ts';

export const login = defineCommand({
  path: ['login'],
  summary: 'store who you are, so that other commands know it',
  description: [
    'Asks for a token, or takes the one of "--token-file", CELL_TOKEN_FILE, CELL_TOKEN or standard input. It goes ' +
      'only to the control plane that it was made by: that one is known by what the token pins, not by its address. ' +
      'What is stored is in ~/.config/cell/contexts, for nobody else to read.',
    'With --certificate, a certificate is stored in the place of the token. It ends with the token, and by itself ' +
      'within a day; commands renew it once half of that is over.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    certificate: { kind: 'switch', summary: 'store a certificate, and not the token' },
  },
  examples: [
    { command: 'cellctl login --address 10.0.0.1', what: 'Asks for the token, without showing it' },
    { command: 'cellctl login --context prod --token-file ./token', what: 'A second fleet, under a name of its own' },
  ],
  async run({ flags, world, sources, print, note }) {
    const { token, warnings } = givenToken(sources) ?? { token: await askForToken(world), warnings: [] };
    for (const warning of warnings) await note(warning);
    const members = membersToLogInto(sources);
    const trust = givenTrust(sources);
    const client = world.connect({ ...members, identity: { token, trust } });
    try {
      const caller = await client.identity.getCaller({}, { signal: world.signal });
      const name = contextToLogInto(sources, caller);
      const identity: Identity = flags.certificate
        ? await requestCertificate(client, { signal: world.signal })
        : { token, trust: caller.trust.length === 0 ? trust : caller.trust };
      store(sources, name, identity, [...members.addresses, ...caller.controlPlaneAddresses]);
      await print({
        plain: () => ({ context: name, ...plainMessage(GetCallerResponseSchema, caller) }),
        text: (style) => `${callerSentence(caller, style)}\nContext "${name}" is used from now on\n`,
      });
    } finally {
      client.close();
    }
  },
});

/** Of a person at a terminal, or all of standard input. */
async function askForToken(world: World): Promise<string> {
  if (!canAsk(world)) return fromInput(await world.input.readAll(TOKEN_BYTES_MAX));
  try {
    // Hidden first: who is asked may answer at once.
    const answer = world.input.readHidden(world.signal);
    const [typed] = await Promise.all([answer, world.errors.write('Token (it is not shown): ')]);
    if (typed !== undefined) return typed.trim();
    throw new CliError('CELL_E_NOT_CONFIRMED', 'Nothing was stored, since you gave no token');
  } finally {
    await world.errors.write('\n');
  }
}

function fromInput(text: string): string {
  const token = text.trim();
  if (token !== '') return token;
  const message =
    'There is no token on standard input; give it there, or with "--token-file", CELL_TOKEN_FILE or CELL_TOKEN';
  throw new CliError('CELL_E_NO_IDENTITY', message);
}

function store(sources: ConnectionSources, name: string, identity: Identity, addresses: readonly string[]): void {
  const folder = CONTEXT_NAME.test(name) ? identityFolder(sources, name) : undefined;
  if (folder === undefined) {
    const message = `"${name}" can't be the name of a context: it must be 1 to 63 letters, digits, "_" and "-"`;
    throw new CliError('CELL_E_USAGE', message);
  }
  writeContextIdentity(folder, identity);
  setAddresses(sources, name, [...new Set(addresses.filter((each) => nonEmpty(each)))].slice(0, ADDRESSES_MAX));
  chooseContext(sources, name);
}
