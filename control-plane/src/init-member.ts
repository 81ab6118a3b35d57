/** `cell-control-plane init`: makes the first machine of a new control plane a member, and says what comes next. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { authorityPlaces, FOUNDING_TOKEN_TTL_MS, type Initialized, initialize } from './authority/index.ts';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';
import { hostOf } from './config/member-places.ts';
import type { Clock } from './ports.ts';

export interface InitFlags {
  /** Files to write the tokens to in the place of standard output; they must not be there yet. */
  readonly 'admin-token-file'?: string | undefined;
  readonly 'join-token-file'?: string | undefined;
}

type InitConfig = Pick<MemberConfig, 'id' | 'cluster' | 'data' | 'members' | 'keyring'>;

const FILE_MODE = 0o600;
const HOURS = FOUNDING_TOKEN_TTL_MS / 3_600_000;

/** Gives what to print. Rejects as `initialize` does, and with `CELL_E_CONFIG` if a file can't be made. */
export async function initMember(config: InitConfig, flags: InitFlags, clock: Pick<Clock, 'wallMs'>): Promise<string> {
  const { id, cluster, data, members } = config;
  const places = authorityPlaces(data, config.keyring);
  const files = await openTokenFiles(flags);
  try {
    const memberIds = members.map((member) => member.id);
    const made = await initialize({ ...places, cluster, memberId: id, memberIds, clock });
    await files.admin?.writeFile(`${made.adminToken}\n`);
    await files.join?.writeFile(`${made.joinToken ?? ''}\n`);
    return initText(config, flags, made, places.folder);
  } catch (error) {
    await files.remove();
    throw error;
  } finally {
    await files.close();
  }
}

/** Before anything is made: tokens that can't be written would be lost. */
async function openTokenFiles(flags: InitFlags) {
  const opened: { readonly path: string; readonly handle: FileHandle }[] = [];
  const each = async (work: (file: (typeof opened)[number]) => Promise<unknown>) => {
    for (const file of opened) await work(file);
  };
  const remove = () => each(({ path }) => rm(path, { force: true }));
  const close = () => each(({ handle }) => handle.close());
  const make = async (path: string | undefined) => {
    if (path === undefined) return undefined;
    const handle = await open(path, 'wx', FILE_MODE);
    opened.push({ path, handle });
    return handle;
  };
  try {
    const admin = await make(flags['admin-token-file']);
    return { admin, join: await make(flags['join-token-file']), remove, close };
  } catch (error) {
    await remove();
    await close();
    const message = `Cannot make the file for a token: ${(error as Error).message}. Name one that is not there yet`;
    throw new CellError('CELL_E_CONFIG', message, { cause: error });
  }
}

function initText(
  config: InitConfig,
  flags: InitFlags,
  { adminToken, joinToken }: Initialized,
  folder: string,
): string {
  const { id, cluster, members } = config;
  const own = members.find((member) => member.id === id)!;
  const others = members.filter((member) => member.id !== id).map((member) => `${member.id} at ${hostOf(member)}`);
  const [adminFile, joinFile] = [flags['admin-token-file'], flags['join-token-file']];
  const printed = adminFile === undefined || (joinToken !== undefined && joinFile === undefined);
  const keeping = printed
    ? 'Keep these: they are printed once, and kept nowhere.'
    : 'Keep the admin token: the control plane has only a hash of it.';
  const joining = [
    `On the machine of each other member (${others.join(', ')}), with the same "members",`,
    `within ${HOURS} hours; it asks for the join token:`,
    '    cell-control-plane join',
    '    systemctl restart --no-block cell-control-plane',
  ];
  const steps = [
    ['Start this member:', '    systemctl restart --no-block cell-control-plane'],
    ...(joinToken === undefined ? [] : [joining]),
    ['Where you work; it asks for the admin token:', `    cellctl login --address ${own.grpc}`],
    [
      'For the machines that run jobs: make a token, and put it there into the file that agent.toml names:',
      '    cellctl token create --role agent',
    ],
  ];
  return [
    `This machine is member ${id} of the new cluster "${cluster}". Its authority is in "${folder}".`,
    keeping,
    '',
    `Admin token: ${adminFile === undefined ? adminToken : `in "${adminFile}"`}`,
    ...(joinToken === undefined ? [] : [`Join token:  ${joinFile === undefined ? joinToken : `in "${joinFile}"`}`]),
    '',
    ...steps.flatMap(([what, ...rest], place) => [`${place + 1}. ${what}`, ...rest.map((line) => `   ${line}`)]),
    '',
  ].join('\n');
}
