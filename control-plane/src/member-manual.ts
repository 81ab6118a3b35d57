import { CONFIG_FILE } from './config/member-config.ts';

/** What `cell-control-plane --help` and cell-control-plane(8) say. */
export const MEMBER_MANUAL = {
  name: 'cell-control-plane',
  summary: 'keeps the state of a fleet, together with the other members of its control plane',
  usage: ['[--config FILE] [--check]', 'recover --confirm CLUSTER [--config FILE]'],
  paragraphs: [
    'The first runs a member. The second is for when most members are lost for good, and the one that is left is stopped: it makes that one the only member. What only the lost ones had is gone. "cellctl control-plane recover" does the same to a member that runs, and looks first whether others can be reached.',
    'A member ends on SIGTERM and SIGINT; a leader hands over first. On SIGHUP it reads its configuration anew: a new log.level counts at once, and it says which other keys need a restart.',
  ],
  flags: [
    ['--config FILE', `configuration (default: CELL_CONFIG, else ${CONFIG_FILE})`],
    ['--check', 'only read and check the configuration'],
    ['--confirm CLUSTER', "the cluster's name, to confirm a recovery"],
    ['--version', 'print the version'],
    ['--help', 'print this'],
  ],
  examples: [
    `cell-control-plane --config ${CONFIG_FILE}`,
    `cell-control-plane recover --confirm cell --config ${CONFIG_FILE}`,
  ],
} as const;
