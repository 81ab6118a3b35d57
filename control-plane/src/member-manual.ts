import { CONFIG_FILE } from './config/member-config.ts';

/** What `cell-control-plane --help` and cell-control-plane(8) say. */
export const MEMBER_MANUAL = {
  name: 'cell-control-plane',
  summary: 'keeps the state of a fleet, together with the other members of its control plane',
  usage: [
    '[--config FILE] [--check]',
    'init [--admin-token-file FILE] [--join-token-file FILE] [--config FILE]',
    'join [--token-file FILE] [--config FILE]',
    'recover --confirm CLUSTER [--config FILE]',
  ],
  paragraphs: [
    'The first runs a member, once the machine was made one. "init" does that to the first machine of a new control plane: it makes the cluster\'s certificate authority, and prints the first admin token and the token that the other machines join with, once. "join" does it to the others, and to those that are added later ("cellctl control-plane add" first, and a token of the role control-plane): it asks the members that the configuration names, and waits for them. It reads the token from a file, CELL_JOIN_TOKEN, or standard input.',
    '"recover" is for when most members are lost for good, and the one that is left is stopped: it makes that one the only member. What only the lost ones had is gone. "cellctl control-plane recover" does the same to a member that runs, and looks first whether others can be reached.',
    'A member ends on SIGTERM and SIGINT; a leader hands over first. On SIGHUP it reads its configuration anew: a new log.level counts at once, and it says which other keys need a restart.',
  ],
  flags: [
    ['--config FILE', `configuration (default: CELL_CONFIG, else ${CONFIG_FILE})`],
    ['--check', 'only read and check the configuration'],
    [
      '--admin-token-file FILE',
      'init: write the admin token to this new file, for its owner alone, and do not print it',
    ],
    ['--join-token-file FILE', 'init: the same for the join token'],
    ['--token-file FILE', 'join: the file with the join token; "-" is standard input'],
    ['--confirm CLUSTER', "the cluster's name, to confirm a recovery"],
    ['--version', 'print the version'],
    ['--help', 'print this'],
  ],
  examples: [
    `cell-control-plane --config ${CONFIG_FILE}`,
    'cell-control-plane init',
    'cell-control-plane join --token-file join-token',
    `cell-control-plane recover --confirm cell --config ${CONFIG_FILE}`,
  ],
} as const;
