/** cellctl(1), and a page for each of its nouns. */
import { type CommandSpec, commandName } from '../../cli/src/command-line/command-spec.ts';
import { globalFlagSpecs } from '../../cli/src/command-line/global-flags.ts';
import { exitCodeRows, flagRows, usageLine } from '../../cli/src/command-line/help-text.ts';
import { REFERENCE_INTRODUCTION } from '../../cli/src/command-line/reference-page.ts';
import type { ManualPage } from './manual-page.ts';
import { parseMarkdown, renderBlocks } from './markdown.ts';
import {
  bold,
  type Edition,
  head,
  listing,
  literal,
  paragraph,
  prose,
  section,
  seeAlso,
  subsection,
  tagged,
  usage,
} from './roff.ts';

/** What the commands of a noun are about, where there are several; a lone command says it itself. */
const NOUNS: Readonly<Record<string, string>> = {
  allocation: 'what runs on the nodes of a fleet: state, output, commands inside',
  audit: 'the audit log of a fleet: who changed what, and that nothing in it was changed',
  ca: 'the certificate authority of a cluster: state, rotation',
  context: 'control planes that you have noted down',
  'control-plane': 'members of the control plane of a fleet: state, adding, removing, recovery',
  job: 'jobs of a fleet: planning, running, stopping',
  node: 'nodes of a fleet: state, draining, eligibility, revocation',
  secret: 'secrets for jobs: setting, removing, encryption',
  token: 'tokens of people, programs and joining machines',
};

const SEE_ALSO = ['cell-job.toml(5)', 'cell-agent(8)', 'cell-control-plane(8)'];

export function commandPages(commands: readonly CommandSpec[], edition: Edition): ManualPage[] {
  const shown = commands.filter((command) => command.hidden !== true);
  const nouns = [...new Set(shown.map(({ path }) => path[0]))];
  const pages = nouns.map((noun) => nounPage(noun, shown, edition));
  return [overviewPage(nouns, shown, edition), ...pages];
}

function overviewPage(nouns: readonly string[], commands: readonly CommandSpec[], edition: Edition): ManualPage {
  const names = nouns.map(pageName);
  const rows = nouns.map((noun) => tagged(`${bold(pageName(noun))}(1)`, prose(capitalized(summaryOf(noun, commands)))));
  const text = [
    head({ name: 'cellctl', section: 1, summary: 'show and drive a Cell fleet' }, edition),
    section('Synopsis', paragraph(usage('cellctl NOUN [VERB] [ARGUMENT…] [FLAG…]'))),
    section('Description', renderBlocks(parseMarkdown(REFERENCE_INTRODUCTION))),
    section('Commands', rows.join('')),
    section('Options', `${paragraph('These are of every command:')}${flagList(flagRows(globalFlagSpecs))}`),
    section(
      'Exit status',
      tagged('0', 'All is done.') +
        tagged('1', 'An error, or what a command says.') +
        tagged('130', 'It was interrupted.'),
    ),
    section(
      'Environment',
      tagged(bold('CELL_ADDR'), prose('Members of the control plane, with commas between them.')) +
        tagged(bold('CELL_CONTEXT'), prose('The entry of the configuration file to use.')) +
        tagged(bold('CELL_TOKEN_FILE'), prose('A file with the token to call with.')) +
        tagged(bold('CELL_TOKEN'), prose('The token to call with.')) +
        tagged(bold('CELL_CACERT'), prose('A file with the certificates to trust.')) +
        tagged(bold('NO_COLOR'), prose('If it is not empty, there are no colours.')),
    ),
    section(
      'Files',
      tagged(`\\fI${literal('~/.config/cell/config.toml')}\\fR`, prose('Where control planes are.')) +
        tagged(`\\fI${literal('~/.config/cell/contexts/')}\\fR`, prose('What "cellctl login" stored, for you alone.')),
    ),
    section('Examples', listing(['cellctl fleet status', 'cellctl job run web.toml', 'cellctl node list -o wide'])),
    seeAlso([...names.map((name) => `${name}(1)`), ...SEE_ALSO]),
  ];
  return { file: 'cellctl.1', text: text.join('') };
}

function nounPage(noun: string, commands: readonly CommandSpec[], edition: Edition): ManualPage {
  const own = commands.filter(({ path }) => path[0] === noun);
  const examples = own.flatMap((command) => command.examples);
  const text = [
    head({ name: pageName(noun), section: 1, summary: summaryOf(noun, commands) }, edition),
    section('Synopsis', own.map((command) => synopsis(command)).join('')),
    section('Description', own.length === 1 ? details(own[0]!) : own.map(verbSubsection).join('')),
    section('Options', paragraph('Those of every command are in\n.BR cellctl (1).')),
    section('Exit status', exitStatus(own)),
    section(
      'Examples',
      examples.map(({ command, what }) => `${paragraph(prose(`${what}:`))}${listing([command])}`).join(''),
    ),
    seeAlso(['cellctl(1)', ...SEE_ALSO]),
  ];
  return { file: `${pageName(noun)}.1`, text: text.join('') };
}

function synopsis(command: CommandSpec): string {
  return `.PP\n.nf\n${usage(usageLine(command))}\n.fi\n`;
}

function verbSubsection(command: CommandSpec): string {
  return subsection(commandName(command.path), details(command));
}

function details(command: CommandSpec): string {
  const argumentRows = Object.entries(command.arguments).map(([name, spec]) => {
    return tagged(usage(name), prose(capitalized(sentence(spec.summary))));
  });
  return [
    paragraph(prose(capitalized(sentence(command.summary)))),
    ...(command.description ?? []).map((text) => paragraph(prose(text))),
    ...argumentRows,
    flagList(flagRows(command.flags)),
  ].join('');
}

function flagList(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([flag, what]) => tagged(flagTerm(flag), prose(capitalized(sentence(what))))).join('');
}

/** `-o, --output table|wide`: what is typed is bold, what stands for a value is italic. */
function flagTerm(flag: string): string {
  const [names = '', value = ''] = flag.split(/ (?=[^-]*$)/);
  const typed = names.split(', ').map((name) => bold(name));
  return value === '' ? typed.join(', ') : `${typed.join(', ')} \\fI${literal(value)}\\fR`;
}

function exitStatus(commands: readonly CommandSpec[]): string {
  const several = commands.length > 1;
  const own = commands.flatMap((command) => {
    const rows = exitCodeRows(command).map(([code, meaning]) => tagged(code, prose(capitalized(sentence(meaning)))));
    if (rows.length === 0) return [];
    return several ? [paragraph(`Of ${usage(commandName(command.path))}:`), ...rows] : rows;
  });
  return paragraph(prose('0 when all is done, 1 after an error, unless something else is said here.')) + own.join('');
}

function summaryOf(noun: string, commands: readonly CommandSpec[]): string {
  const own = commands.filter(({ path }) => path[0] === noun);
  const summary = own.length === 1 ? own[0]!.summary : NOUNS[noun];
  if (summary === undefined) throw new Error(`Say in NOUNS what the commands of "${noun}" are about`);
  return summary;
}

function pageName(noun: string): string {
  return `cellctl-${noun}`;
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
