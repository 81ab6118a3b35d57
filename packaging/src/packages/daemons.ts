/** The daemons' packages: what their maintainer scripts, which are made from one text each, know about them. */
export const DAEMONS = [
  {
    package: 'cell-agent',
    /** The setting without which it can't start: in the environment, and in its file as an extended regular expression. */
    variable: 'CELL_CONTROL_PLANE',
    /** All that the environment can set. */
    variables: [
      'CELL_CONTROL_PLANE',
      'CELL_HTTP_ALLOW',
      'CELL_HTTP_TOKEN_FILE',
      'CELL_JOIN_TOKEN',
      'CELL_JOIN_TOKEN_FILE',
      'CELL_LOG_LEVEL',
      'CELL_NODE_ADDRESS',
      'CELL_NODE_NAME',
    ],
    config: '/etc/cell/agent.toml',
    setting: 'control_plane[[:space:]]*=',
    /** What comes after editing that file, as half a sentence in double quotes of the shell. */
    next: String.raw`\"systemctl restart cell-agent\"`,
  },
  {
    package: 'cell-control-plane',
    variable: 'CELL_MEMBERS',
    variables: [
      'CELL_CLUSTER',
      'CELL_HTTP_ALLOW',
      'CELL_HTTP_TOKEN_FILE',
      'CELL_JOIN_TOKEN',
      'CELL_JOIN_TOKEN_FILE',
      'CELL_LOG_LEVEL',
      'CELL_MEMBERS',
    ],
    config: '/etc/cell/control-plane.toml',
    setting: '(members[[:space:]]*=|\\[\\[members\\]\\])',
    next: String.raw`\"cell-control-plane init\" on the first machine, and \"cell-control-plane join\" on all others`,
  },
] as const;

export type Daemon = (typeof DAEMONS)[number];

/** A maintainer script for one daemon; throws nothing and leaves debhelper's own "#DEBHELPER#" as it is. */
export function maintainerScript(template: string, daemon: Daemon): string {
  return template
    .replaceAll('@package@', daemon.package)
    .replaceAll('@variable@', daemon.variable)
    .replaceAll('@variables@', daemon.variables.join('|'))
    .replaceAll('@config@', daemon.config)
    .replaceAll('@next@', daemon.next)
    .replaceAll('@setting@', daemon.setting);
}
