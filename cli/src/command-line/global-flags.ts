import type { FlagValues } from './flag-spec.ts';

/** Flags of every command. */
export const globalFlagSpecs = {
  address: {
    kind: 'text',
    value: 'HOST,…',
    summary: 'members of the control plane to call, at port 7600 or HOST:PORT (environment: CELL_ADDR)',
  },
  context: {
    kind: 'text',
    value: 'NAME',
    summary: 'which entry of the configuration file to use (environment: CELL_CONTEXT)',
    completes: 'context',
  },
  'token-file': {
    kind: 'text',
    value: 'FILE',
    summary: 'who calls: a file with a token, "-" for standard input (environment: CELL_TOKEN_FILE, CELL_TOKEN)',
    completes: 'file',
  },
  token: {
    kind: 'text',
    value: 'TOKEN',
    summary: 'the token itself; all on this machine can see it (ps), so prefer "--token-file"',
  },
  cacert: {
    kind: 'text',
    value: 'FILE',
    summary: 'whom to trust: certificates of authorities, not those that the token pins (environment: CELL_CACERT)',
    completes: 'file',
  },
  'call-timeout': {
    kind: 'duration',
    min: '100ms',
    max: '10m',
    summary: 'for one call to the control plane; "10s" if nothing else is configured',
  },
  'no-color': { kind: 'switch', summary: 'no colours, as with NO_COLOR in the environment' },
  help: { kind: 'switch', short: 'h', summary: 'what the command does' },
} as const;

export type GlobalFlags = FlagValues<typeof globalFlagSpecs>;

/** Flags of commands that print data. */
export const outputFlagSpecs = {
  output: {
    kind: 'choice',
    short: 'o',
    choices: ['table', 'wide', 'json', 'yaml'],
    default: 'table',
    summary: 'format of the output; "wide" leaves nothing out',
  },
} as const;

/** Flags of commands that show what a member knows. */
export const readFlagSpecs = {
  ...outputFlagSpecs,
  watch: { kind: 'switch', short: 'w', summary: 'show it again whenever it changes, until Ctrl-C' },
  stale: { kind: 'switch', summary: 'take what the asked member knows, also without a leader' },
} as const;
