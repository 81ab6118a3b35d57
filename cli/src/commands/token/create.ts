import { CreateTokenResponseSchema, plainMessage, Role } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { styleOf } from '../../output/print-view.ts';
import { tokenSentence } from './token-table.ts';

const ROLES = {
  viewer: Role.VIEWER,
  operator: Role.OPERATOR,
  admin: Role.ADMIN,
  agent: Role.AGENT,
  'control-plane': Role.CONTROL_PLANE,
} as const;
/** Tokens to join with must end. */
const JOIN_TTL_MS_DEFAULT = 3_600_000;
const USES_MAX = 10_000;
const UNIQUE_LENGTH = 8;

export const tokenCreate = defineCommand({
  path: ['token', 'create'],
  summary: 'make a token: for people and programs, or to join with',
  description: [
    'Its text goes to standard output, and is shown this once: the control plane keeps only a hash of it. Whoever has ' +
      'it is who it says, so send it on a safe way.',
    'viewer sees; operator runs jobs and looks after nodes too; admin says who may do what too. With --namespace, a ' +
      'viewer or operator has to do with jobs and secrets of that namespace only.',
    'With a token of role agent or control-plane a machine joins: once, within an hour, if nothing else is said. ' +
      'Afterwards it has a certificate of its own.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    role: { kind: 'choice', choices: Object.keys(ROLES), summary: 'what it entitles to' },
    name: { kind: 'text', value: 'NAME', summary: 'what lists and the audit log call it (default: made up)' },
    namespace: { kind: 'text', value: 'NAMESPACE', summary: 'for viewers and operators: only this one' },
    ttl: {
      kind: 'duration',
      min: '1s',
      max: '3650d',
      summary: 'how long it lives; to join with: "1h" by default, "30d" at most; others: for ever by default',
    },
    uses: { kind: 'count', value: 'N', min: 1, max: USES_MAX, summary: 'to join with: how often (default: once)' },
  },
  examples: [
    { command: 'cellctl token create --role agent --uses 20 --ttl 1h >join-token', what: 'For 20 machines, today' },
    { command: 'cellctl token create --role operator --name deploy --namespace team-a', what: 'For a pipeline' },
  ],
  async run({ flags, globals, world, client, print, note }) {
    if (flags.role === undefined) {
      const all = Object.keys(ROLES).join(', ');
      throw new CliError('CELL_E_USAGE', `Say what the token entitles to with "--role": one of ${all}`);
    }
    const joins = flags.role === 'agent' || flags.role === 'control-plane';
    const ttlMs = flags.ttl ?? (joins ? JOIN_TTL_MS_DEFAULT : 0);
    const request = {
      name: flags.name ?? `${flags.role}-${world.uniqueName().slice(0, UNIQUE_LENGTH)}`,
      role: ROLES[flags.role as keyof typeof ROLES],
      namespace: flags.namespace ?? '',
      ttlSeconds: BigInt(Math.ceil(ttlMs / 1_000)),
      uses: flags.uses ?? 0,
    };
    const response = await client().identity.createToken(request, { signal: world.signal });
    const style = styleOf(world, { noColor: globals['no-color'], format: 'wide', of: 'errors' });
    if (response.token !== undefined) await note(`${tokenSentence(response.token, style)}. It is shown this once`);
    await print({
      plain: () => plainMessage(CreateTokenResponseSchema, response),
      text: () => `${response.text}\n`,
    });
  },
});
