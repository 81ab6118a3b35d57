/** `cell-control-plane join`: makes this machine a member of a control plane that another one has begun. */
import { createInterface } from 'node:readline/promises';
import { authorityPlaces } from './authority/index.ts';
import { CellError } from './cell-error.ts';
import { CONFIG_FILE, type MemberConfig } from './config/member-config.ts';
import { configuredToken, type GivenToken, readTokenFile } from './configured-token.ts';
import { startCommand } from './init-member.ts';
import { joinMember } from './join-member.ts';
import type { Clock } from './ports.ts';

export interface JoinFlags {
  /** "-": standard input. */
  readonly 'token-file'?: string | undefined;
}

type JoinConfig = Pick<
  MemberConfig,
  'id' | 'cluster' | 'data' | 'members' | 'keyring' | 'join_token' | 'join_token_file'
>;

/** What is read of a line at most; a token is far shorter. */
const LINE_LENGTH_MAX = 4_096;

/** Resolves with what to print once the machine is a member. Waits as long as nobody answers. */
export async function joinByHand(
  config: JoinConfig,
  flags: JoinFlags,
  clock: Clock,
  configFile = CONFIG_FILE,
): Promise<string> {
  const { id, cluster, data, members, keyring } = config;
  const token = await readToken(config, flags);
  await joinMember({
    places: authorityPlaces(data, keyring),
    memberId: id,
    cluster,
    members,
    token,
    clock,
    signal: new AbortController().signal,
    waiting: (reason) => process.stderr.write(`${reason}\n`),
  });
  return `This machine is member ${id} of cluster "${cluster}". Start it:\n    ${startCommand(configFile)}\n`;
}

/** The flag, else the configuration and the environment, else whoever runs it; never an argument, which `ps` shows. */
async function readToken(config: JoinConfig, flags: JoinFlags): Promise<GivenToken> {
  const file = flags['token-file'];
  if (file !== undefined && file !== '-') return readTokenFile(file);
  return (file === undefined ? await configuredToken(config) : undefined) ?? askToken();
}

async function askToken(): Promise<GivenToken> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write('Join token (from "cell-control-plane init"): ');
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) {
      if (line.trim() !== '') return { text: line.slice(0, LINE_LENGTH_MAX).trim(), place: 'standard input' };
    }
  } finally {
    lines.close();
  }
  const message =
    'There is no token on standard input. Give it there, in a file with --token-file, or in CELL_JOIN_TOKEN';
  throw new CellError('CELL_E_CONFIG', message);
}
