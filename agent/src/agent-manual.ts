import { CONFIG_FILE } from './config/agent-config.ts';

/** What `cell-agent --help` and cell-agent(8) say. */
export const AGENT_MANUAL = {
  name: 'cell-agent',
  summary: "runs on a node what the fleet's control plane wants there",
  usage: ['[--config FILE] [--check]'],
  paragraphs: [
    'What it runs goes on when it ends, however it ends; a new start takes it up again.',
    'It ends on SIGTERM and SIGINT. On SIGHUP it reads its configuration anew: a new log.level counts at once, and it says which other keys need a restart.',
  ],
  flags: [
    ['--config FILE', `configuration (default: CELL_CONFIG, else ${CONFIG_FILE})`],
    ['--check', 'only read and check the configuration'],
    ['--version', 'print the version'],
    ['--help', 'print this'],
  ],
  examples: [`cell-agent --config ${CONFIG_FILE}`],
} as const;
