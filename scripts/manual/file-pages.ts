/** Pages of section 5: the daemons' settings, from docs/configuration.md, and job files, from their schema. */
import { readFileSync } from 'node:fs';
import { renderPage } from '../generate-job-file-docs.ts';
import type { ManualPage } from './manual-page.ts';
import { type Block, parseMarkdown, renderBlocks } from './markdown.ts';
import { type Edition, head, literal, paragraph, prose, section, seeAlso, tagged } from './roff.ts';

const SETTINGS = new URL('../../docs/configuration.md', import.meta.url);

interface SettingsPage {
  readonly name: string;
  readonly summary: string;
  /** Heading of its section. */
  readonly heading: string;
  readonly file: string;
  readonly environmentFile: string;
  readonly daemon: string;
}

const SETTINGS_PAGES: readonly SettingsPage[] = [
  {
    name: 'cell-control-plane.toml',
    summary: "configuration of a member of a Cell fleet's control plane",
    heading: 'Member of the control plane',
    file: '/etc/cell/control-plane.toml',
    environmentFile: '/etc/default/cell-control-plane',
    daemon: 'cell-control-plane(8)',
  },
  {
    name: 'cell-agent.toml',
    summary: 'configuration of the agent on a node of a Cell fleet',
    heading: 'Agent',
    file: '/etc/cell/agent.toml',
    environmentFile: '/etc/default/cell-agent',
    daemon: 'cell-agent(8)',
  },
];

export function filePages(edition: Edition): ManualPage[] {
  return [...SETTINGS_PAGES.map((page) => settingsPage(page, edition)), jobFilePage(edition)];
}

function settingsPage(page: SettingsPage, edition: Edition): ManualPage {
  const blocks = parseMarkdown(readFileSync(SETTINGS, 'utf8'));
  const general = blocks.slice(1, nextHeading(blocks, 1));
  const begin = blocks.findIndex((block) => block.kind === 'heading' && block.text === page.heading);
  const own = blocks.slice(begin + 1, nextHeading(blocks, begin + 1));
  const keys = own.findIndex((block) => block.kind === 'table');
  const variables = own.find((block) => block.kind === 'table' && block.header[0] === 'Variable');
  const rest = own.slice(keys).filter((block) => block !== variables);
  const files = [
    tagged(`\\fI${literal(page.file)}\\fR`, prose('The file itself.')),
    tagged(`\\fI${literal(page.environmentFile)}\\fR`, prose("The environment of the daemon's unit.")),
  ];
  const text = [
    head({ name: page.name, section: 5, summary: page.summary }, edition),
    section('Synopsis', `\\fI${literal(page.file)}\\fR\n`),
    section('Description', renderBlocks(general)),
    section('Examples', renderBlocks(own.slice(0, keys))),
    section('Keys', renderBlocks(rest)),
    section('Environment', environment(variables)),
    section('Files', files.join('')),
    seeAlso([page.daemon, 'cellctl(1)', 'systemd.exec(5)']),
  ];
  return { file: `${page.name}.5`, text: text.join('') };
}

function environment(variables: Block | undefined): string {
  if (variables === undefined) return '';
  return paragraph(prose('Each counts before the key of the file that it stands for.')) + renderBlocks([variables]);
}

function nextHeading(blocks: readonly Block[], from: number): number {
  const length = blocks.slice(from).findIndex((block) => block.kind === 'heading' && block.level <= 2);
  return length < 0 ? blocks.length : from + length;
}

function jobFilePage(edition: Edition): ManualPage {
  const blocks = parseMarkdown(renderPage());
  const first = nextHeading(blocks, 1);
  const text = [
    head({ name: 'cell-job.toml', section: 5, summary: 'file that says what a Cell fleet should run' }, edition),
    section('Description', renderBlocks(blocks.slice(1, first))),
    section('Sections and keys', renderBlocks(blocks.slice(first))),
    seeAlso(['cellctl-job(1)', 'cell-agent.toml(5)', 'systemd.exec(5)', 'systemd.resource-control(5)']),
  ];
  return { file: 'cell-job.toml.5', text: text.join('') };
}
