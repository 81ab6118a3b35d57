/**
 * What a workload may try to get at its node, and who has to fail at it. That an attempt fails says nothing if it would
 * fail anyway; so each is also made without a sandbox, and there it has to succeed.
 */
export interface EscapeAttempt {
  /** One word. */
  readonly name: string;
  /** For bash: succeeds if the workload gets what it should not. */
  readonly command: string;
  /** Whether it is refused to a service in the sandbox "default" too, where ordinary daemons have to work. */
  readonly refusedToServices: boolean;
  /**
   * Who succeeds without a sandbox: root, somebody without privileges, or nobody in a machine of systemd-nspawn, which
   * itself keeps some capabilities from all.
   */
  readonly possibleFor: 'root' | 'nobody' | 'none';
}

/** In a file of the neighbour's folder, in its environment, in its output, in a secret and in a variable of the node. */
export const NEIGHBOURS_SECRET = 'neighbours-secret-4711';
/** What planting the node prepares: see `plantTargets` in sandbox.lab.test.ts. */
export const SETUID_SHELL = '/usr/local/bin/setuid-bash';

const onNeighbour = (test: string) => `for p in /proc/[0-9]*; do
  if tr '\\0' ' ' 2>/dev/null <$p/cmdline | grep -qx 'sleep 4711[0-9]* '; then ${test} && exit 0; fi; done; exit 1`;

const refused = (possibleFor: EscapeAttempt['possibleFor'], attempts: Readonly<Record<string, string>>) =>
  Object.entries(attempts).map(([name, command]) => ({ name, command, possibleFor, refusedToServices: true }));

const refusedToBatch = (possibleFor: EscapeAttempt['possibleFor'], attempts: Readonly<Record<string, string>>) =>
  Object.entries(attempts).map(([name, command]) => ({ name, command, possibleFor, refusedToServices: false }));

export const ESCAPE_ATTEMPTS: readonly EscapeAttempt[] = [
  ...refused('root', {
    'read-passwords': 'cat /etc/shadow',
    'read-secrets': 'cat /etc/cell/secrets/database',
    'list-secrets': 'ls /etc/cell/secrets',
    'read-agents-state': 'ls /var/lib/cell/agent',
    'read-agents-socket-folder': 'ls /run/cell-agent',
    'read-neighbours-folder': `grep -rs ${NEIGHBOURS_SECRET} /var/lib/private/cell-jobs/ /var/lib/cell-jobs/`,
    'read-neighbours-environment': onNeighbour(`grep -qs ${NEIGHBOURS_SECRET} $p/environ`),
    'enter-neighbours-root': onNeighbour('ls $p/root/ >/dev/null 2>&1'),
    'read-neighbours-output': `journalctl CELL_JOB=neighbour | grep -qs ${NEIGHBOURS_SECRET}`,
    'signal-neighbour': onNeighbour('kill -0 $(basename $p)'),
    'signal-agent': 'pkill -0 --full [/]usr/lib/cell/agent.mjs',
    'write-usr': 'touch /usr/escaped',
    'write-etc': 'touch /etc/escaped',
    'write-boot': 'touch /boot/escaped',
    'write-units': 'touch /run/systemd/system/escaped.service',
    'write-control-group': 'cd /sys/fs/cgroup/pids/system.slice && cat pids.max >pids.max',
    'mount-file-system': 'mount -t tmpfs escaped /mnt',
    'change-root': 'chroot / true',
    'start-unit': 'systemd-run --quiet --wait true',
    'stop-unit': 'systemctl stop systemd-tmpfiles-clean.timer',
    'change-hostname':
      'hostname=$(cat /etc/hostname); perl -e \'exit(syscall(170, $ARGV[0], length $ARGV[0]) != 0)\' "$hostname"',
  }),
  ...refused('nobody', {
    'read-neighbours-unit': `grep -qs ${NEIGHBOURS_SECRET} /run/systemd/transient/cell-neighbour-*.service`,
    'read-daemons-variables': `grep -qs ${NEIGHBOURS_SECRET} /etc/default/cell-control-plane`,
    'run-setuid-program': `${SETUID_SHELL} -p -c '[ $EUID = 0 ]'`,
    'make-setuid-program': 'cp /bin/true /tmp/escape-$$ && chmod u+s /tmp/escape-$$',
    'see-others-temporary-files': 'cat /tmp/of-somebody-else',
  }),
  ...refusedToBatch('nobody', {
    'make-user-namespace': 'unshare --user --map-root-user true',
    'see-other-processes': onNeighbour('true'),
    'use-packet-socket': "perl -MSocket -e 'socket(my $s, 40, SOCK_STREAM, 0) or exit 1'",
    'see-homes': 'cat /home/*/notes',
  }),
  ...refusedToBatch('root', {
    'make-device': 'mknod /tmp/device-$$ c 1 3',
    'use-device': ': <>/dev/net/tun',
    'make-mount-namespace': 'unshare --mount true',
  }),
  ...refused('none', {
    // init_module(2) with a module that is none: who may load modules gets another error than EPERM.
    'load-kernel-module': 'perl -e \'syscall(175, 0, 0, ""); exit($!{EPERM} ? 1 : 0)\'',
    'read-kernel-log': 'dmesg',
    'write-kernel-parameter': 'cd /proc/sys/kernel && cat panic >panic',
  }),
];

/** Makes every attempt in a shell of its own, and prints "NAME done" or "NAME refused" for each. */
export function escapeScript(): string {
  const lines = ESCAPE_ATTEMPTS.map(
    ({ name, command }) =>
      `if timeout 10 bash -c ${quoted(command)} >/dev/null 2>&1; then echo ${name} done; else echo ${name} refused; fi`,
  );
  return [...lines, 'echo tried all'].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
