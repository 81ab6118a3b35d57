import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';

const RUNTIME = '/usr/lib/cell/node';

/** How a program is started on a machine that has its package. */
interface Launcher {
  /** Path below the root of that machine. */
  readonly path: string;
  readonly bundle: string;
  readonly comment: string;
  /** Variables of scripts/runtime.sh: the packages use the flags that development uses. */
  readonly flags: readonly string[];
  /** Lines of shell before the start. */
  readonly before: string;
}

const BY_HAND = `
# By hand: what the unit would know it has to know too, and what is written has to be the member's own. The unit may never
# have run, and its user has to come through to its data.
case "\${1:-}" in
  init | join | recover)
    if [ -r /etc/default/cell-control-plane ]; then
      set -a
      . /etc/default/cell-control-plane
      set +a
    fi
    if [ "$(id -u)" -eq 0 ]; then
      if [ "$1" = recover ]; then exec setpriv --reuid=cell --regid=cell --init-groups -- "$0" "$@"; fi
      install -d -m 0755 /var/lib/cell
      install -d -m 0700 -o cell -g cell /var/lib/cell/control-plane
    fi
    ;;
esac
`;

const KEEP_COMPILED = `
# Kept for the next call, which then starts in half the time.
cache=\${XDG_CACHE_HOME:-\${HOME:-/nonexistent}/.cache}
if [ -z "\${NODE_COMPILE_CACHE:-}" ] && [ -w "$cache" ]; then export NODE_COMPILE_CACHE="$cache/cell"; fi
`;

export const LAUNCHERS: readonly Launcher[] = [
  {
    path: 'usr/sbin/cell-agent',
    bundle: 'agent',
    comment: 'Runs what a machine is given.',
    flags: ['node_flags', 'agent_flags'],
    before: '',
  },
  {
    path: 'usr/sbin/cell-control-plane',
    bundle: 'control-plane',
    comment: 'Keeps the state of a fleet.',
    flags: ['node_flags', 'member_flags'],
    before: BY_HAND,
  },
  {
    path: 'usr/bin/cellctl',
    bundle: 'cellctl',
    comment: 'Shows and drives a fleet.',
    flags: ['node_flags'],
    before: KEEP_COMPILED,
  },
];

/** The script of a launcher. */
export function launcherScript({ bundle, comment, flags, before }: Launcher, flagValues: ReadonlyMap<string, string>) {
  const values = flags.map((name) => {
    const value = flagValues.get(name);
    if (value === undefined) throw new PackagingError(`Cannot find "${name}" in scripts/runtime.sh`);
    return value;
  });
  return `#!/bin/sh
# ${comment}
set -eu
${before}
exec ${RUNTIME} ${values.join(' ')} /usr/lib/cell/${bundle}.mjs "$@"
`;
}

/** The variables of scripts/runtime.sh that are flags for Node. */
export function readFlagValues(root: string): Map<string, string> {
  const text = readFileSync(join(root, 'scripts/runtime.sh'), 'utf8');
  const assignments = text.matchAll(/^(\w+_flags)='([^']*)'$/gm);
  return new Map([...assignments].map(([, name = '', value = '']) => [name, value]));
}
