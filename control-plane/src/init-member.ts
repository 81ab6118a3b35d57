/** `cell-control-plane init`: makes the first machine of a new control plane a member, and says what comes next. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { authorityPlaces, FOUNDING_TOKEN_TTL_MS, type Initialized, prepareInitialization } from './authority/index.ts';
import { CellError } from './cell-error.ts';
import { CONFIG_FILE, type MemberConfig } from './config/member-config.ts';
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

/**
 * `say` gets what to print; if that rejects, nothing is left of it all, since nobody has the tokens. Rejects as
 * `initialize` does, and with `CELL_E_CONFIG` if a file can't be made.
 */
export async function initMember(
  config: InitConfig,
  flags: InitFlags,
  clock: Pick<Clock, 'wallMs'>,
  say: (text: string) => Promise<void>,
  configFile = CONFIG_FILE,
): Promise<void> {
  const { id, cluster, data, members } = config;
  const places = authorityPlaces(data, config.keyring);
  const files = await openTokenFiles(flags);
  try {
    const memberIds = members.map((member) => member.id);
    const { made, keep, undo } = await prepareInitialization({ ...places, cluster, memberId: id, memberIds, clock });
    try {
      await files.write(made);
      await say(initText(config, flags, made, places.folder, configFile));
    } catch (error) {
      await undo();
      throw error;
    }
    await keep();
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
    const handle = await open(path, 'wx', FILE_MODE).catch((error: Error) => openEmpty(path, error));
    opened.push({ path, handle });
    return handle;
  };
  try {
    const admin = await make(flags['admin-token-file']);
    const join = await make(flags['join-token-file']);
    const write = async ({ adminToken, joinToken = '' }: Initialized) => {
      try {
        await admin?.writeFile(`${adminToken}\n`);
        await join?.writeFile(`${joinToken}\n`);
        await each(({ handle }) => handle.sync());
      } catch (cause) {
        throw new CellError('CELL_E_CONFIG', `Cannot write a token into its file: ${(cause as Error).message}`, {
          cause,
        });
      }
    };
    return { write, remove, close };
  } catch (error) {
    await remove();
    await close();
    const message = `Cannot make the file for a token: ${whyNot(error)}`;
    throw new CellError('CELL_E_CONFIG', message, { cause: error });
  }
}

function whyNot(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST') return `"${path}" is there already. Name one that is not there yet`;
  if (code === 'ENOENT') return `"${path}" is in a folder that is not there. Make the folder first`;
  return `${message}. Name another one`;
}

/** As a service of systemd, unless the configuration is not the service's; `named`: where it is on other machines. */
export function startCommand(configFile: string, named = configFile): string {
  return configFile === CONFIG_FILE
    ? 'systemctl restart --no-block cell-control-plane'
    : `cell-control-plane --config ${named}`;
}

/** One that was killed left it, perhaps: nothing is in it. Throws `error` if it is anything else. */
async function openEmpty(path: string, error: Error): Promise<FileHandle> {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  // A link could lead anywhere, a device swallows what it is given.
  const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  const found = await handle?.stat();
  const own = found?.isFile() === true && found.size === 0 && found.uid === process.getuid?.();
  if (handle === undefined || !own) {
    await handle?.close();
    throw error;
  }
  await handle.chmod(FILE_MODE);
  return handle;
}

function initText(
  config: InitConfig,
  flags: InitFlags,
  { adminToken, joinToken }: Initialized,
  folder: string,
  configFile: string,
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
    `    cell-control-plane join${configFile === CONFIG_FILE ? '' : ' --config FILE'}`,
    `    ${startCommand(configFile, 'FILE')}`,
  ];
  const steps = [
    ['Start this member:', `    ${startCommand(configFile)}`],
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
