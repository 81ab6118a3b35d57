/** Pages of section 8: the daemons. */
import { AGENT_MANUAL } from '../../agent/src/agent-manual.ts';
import { MEMBER_MANUAL } from '../../control-plane/src/member-manual.ts';
import type { DaemonManual } from '../../daemon/src/daemon-manual.ts';
import type { ManualPage } from './manual-page.ts';
import { type Edition, head, listing, literal, paragraph, prose, section, seeAlso, tagged, usage } from './roff.ts';

interface DaemonPage {
  readonly manual: DaemonManual;
  /** For `apropos`. */
  readonly summary: string;
  readonly settings: string;
  readonly files: readonly (readonly [file: string, what: string])[];
  readonly environment: readonly (readonly [variable: string, what: string])[];
}

const COMMON_ENVIRONMENT = [
  ['CELL_CONFIG', 'The configuration file, unless a flag names it.'],
  ['NOTIFY_SOCKET, WATCHDOG_USEC', 'Set by systemd for units of Type=notify with WatchdogSec; see sd_notify(3).'],
] as const;

const PAGES: readonly DaemonPage[] = [
  {
    manual: AGENT_MANUAL,
    summary: 'daemon on each node of a Cell fleet, which runs what the fleet wants there',
    settings: 'cell-agent.toml',
    files: [
      ['/etc/cell/agent.toml', 'Its configuration.'],
      ['/etc/default/cell-agent', 'The environment of its unit.'],
      ['/etc/cell/secrets', 'Secrets for jobs, one a file; for root only.'],
      ['/var/lib/cell/agent', 'Who the node is, and what it was told to run.'],
    ],
    environment: COMMON_ENVIRONMENT,
  },
  {
    manual: MEMBER_MANUAL,
    summary: 'daemon that keeps the state of a Cell fleet',
    settings: 'cell-control-plane.toml',
    files: [
      ['/etc/cell/control-plane.toml', 'Its configuration.'],
      ['/etc/default/cell-control-plane', 'The environment of its unit.'],
      ['/var/lib/cell/control-plane', 'Who the member is, its log and its snapshots.'],
    ],
    environment: COMMON_ENVIRONMENT,
  },
];

export function daemonPages(edition: Edition): ManualPage[] {
  return PAGES.map((page) => ({ file: `${page.manual.name}.8`, text: renderPage(page, edition) }));
}

function renderPage({ manual, summary, settings, files, environment }: DaemonPage, edition: Edition): string {
  const { name, usage: usages, paragraphs, flags, examples } = manual;
  const terms = (rows: readonly (readonly [string, string])[], font: 'B' | 'I'): string =>
    rows.map(([term, what]) => tagged(`\\f${font}${literal(term)}\\fR`, prose(what))).join('');
  return [
    head({ name, section: 8, summary }, edition),
    section('Synopsis', usages.map((words) => `.PP\n.nf\n${usage(`${name} ${words}`)}\n.fi\n`).join('')),
    section(
      'Description',
      [`${name} ${manual.summary}.`, ...paragraphs].map((text) => paragraph(prose(text))).join(''),
    ),
    section('Options', flags.map(([flag, what]) => tagged(usage(flag), prose(`${capitalized(what)}.`))).join('')),
    section(
      'Exit status',
      tagged('0', prose('It ended in order.')) +
        tagged('1', prose('It could not start, or go on; the reason is on standard error.')),
    ),
    section(
      'Environment',
      paragraph(
        `Keys of the configuration that can be given in the environment are in\n.BR ${literal(settings)} (5).`,
      ) + terms(environment, 'B'),
    ),
    section('Files', terms(files, 'I')),
    section('Examples', listing(examples)),
    seeAlso([`${settings}(5)`, 'cellctl(1)', 'systemctl(1)']),
  ].join('');
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
