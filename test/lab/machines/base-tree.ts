import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from './run-command.ts';
import { existingLabs } from './sweep.ts';

/** The cache, which git ignores. */
const CACHE = process.env['CELL_LAB_CACHE'] ?? resolve(import.meta.dirname, '../../../.cache/lab');

export type Suite = 'bookworm' | 'trixie';

/** What a small server has, and what Cell's packages depend on: machines reach no mirror. */
const PACKAGES =
  'systemd systemd-sysv dbus libpam-systemd init-system-helpers util-linux bsdutils iproute2 procps nftables ' +
  'ca-certificates adduser less';

/**
 * Undoes what systemd-nspawn does beyond making a machine. It mounts the host's control groups read-only, so that limits
 * don't work. And it lays another id of the boot over the kernel's, which units with a /proc of their own don't get:
 * there "journalctl --follow" waits for ever.
 */
const INIT = `#!/bin/sh
umount /proc/sys/kernel/random/boot_id
if [ "$1" = limits ]; then
  mount -o remount,rw /sys/fs/cgroup
  for each in /sys/fs/cgroup/*; do
    if [ ! -L "$each" ] && mountpoint -q "$each"; then mount -o remount,rw,bind "$each"; fi
  done
fi
exec /lib/systemd/systemd
`;

/**
 * With the tree's root as $1: journals that outlive a machine, no timers, no console, no mirror, names from no server
 * (there is none, and asking takes ten seconds), quick installs.
 */
const CUSTOMIZATION = `set -e
cd "$1"
mkdir -p var/log/journal etc/systemd/journald.conf.d etc/dpkg/dpkg.cfg.d
printf '[Journal]\\nStorage=persistent\\nSystemMaxUse=64M\\n' >etc/systemd/journald.conf.d/lab.conf
echo force-unsafe-io >etc/dpkg/dpkg.cfg.d/lab
: >etc/apt/sources.list
rm -f etc/apt/sources.list.d/* etc/machine-id etc/hostname etc/resolv.conf
: >etc/resolv.conf
sed -i 's/^hosts:.*/hosts: files/' etc/nsswitch.conf
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer console-getty.service getty.target; do
  ln -sf /dev/null "etc/systemd/system/$unit"
done
cat >usr/local/sbin/lab-init <<'END'
${INIT}END
chmod 755 usr/local/sbin/lab-init
rm -rf usr/share/doc/* usr/share/locale/* usr/share/info/* var/cache/apt/* var/lib/apt/lists/*
`;

/** Path in the tree of the machines' init. Its word "limits" is for a host with cgroup v1. */
export const INIT_PATH = '/usr/local/sbin/lab-init';

/** Changes with everything that goes into the tree. */
function recipeName(suite: Suite): string {
  const recipe = JSON.stringify([suite, PACKAGES, CUSTOMIZATION, process.arch]);
  return `${suite}-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`;
}

/**
 * Root folder of a small Debian, which machines lie on top of and never change. The first call takes about 20 seconds
 * and a mirror (CELL_LAB_MIRROR, or Debian's own); the others find it in the cache. Rejects if there is no mirror.
 */
export async function baseTree(suite: Suite): Promise<string> {
  const tree = join(CACHE, recipeName(suite));
  if (existsSync(tree)) return tree;
  mkdirSync(CACHE, { recursive: true });
  const next = mkdtempSync(join(CACHE, 'next-'));
  try {
    await makeTree(suite, next);
    // Another run may have been quicker.
    if (!existsSync(tree)) renameSync(join(next, 'tree'), tree);
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  removeOlder(suite, tree);
  return tree;
}

async function makeTree(suite: Suite, folder: string): Promise<void> {
  const mirror = process.env['CELL_LAB_MIRROR'];
  await runCommand('mmdebstrap', [
    '--variant=minbase',
    `--include=${PACKAGES.replaceAll(' ', ',')}`,
    `--customize-hook=${CUSTOMIZATION}`,
    suite,
    join(folder, 'tree'),
    ...(mirror === undefined ? [] : [mirror]),
  ]);
}

/** Trees of earlier recipes, unless a machine may lie on one. */
function removeOlder(suite: Suite, tree: string): void {
  if (existingLabs().length > 0) return;
  for (const name of readdirSync(CACHE))
    if (name.startsWith(`${suite}-`) && join(CACHE, name) !== tree)
      rmSync(join(CACHE, name), { recursive: true, force: true });
}
