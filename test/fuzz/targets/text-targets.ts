/** What people write: job files, settings, contexts, tokens, addresses. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadAgentSettings } from '@cell/agent/readers';
import { parseConfiguration } from '@cell/cli/configuration';
import { AddressList, ConfigError, parseDurationMs, parseSizeBytes, splitAddress } from '@cell/config';
import { loadMemberConfig } from '@cell/control-plane/readers';
import { IdentityError, makeToken, parseSubject, parseToken, subjectOf, tokenText } from '@cell/identity';
import { renderJobFile } from '@cell/job';
import { parseJobFile } from '@cell/sdk';
import { coded, type FuzzTarget, texts, utf8 } from '../fuzz-target.ts';
import { nestedToml } from '../nested-toml.ts';
import { scratchFile } from '../scratch-file.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

function filesOf(folder: string, ending: string): readonly Uint8Array[] {
  const names = readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(ending)).map((name) => readFileSync(join(REPOSITORY, folder, name)));
}

/** For what returns its refusals. */
const REFUSED = new Error('Refused');
const returned = (error: unknown) => error === REFUSED;

const jobFile: FuzzTarget = {
  name: 'job-file',
  form: 'text',
  seeds: async () => filesOf('examples', '.toml'),
  refuses: returned,
  read: (input) => {
    const parsing = parseJobFile(utf8(input), '/folder/job.toml');
    if (!('spec' in parsing)) {
      if (parsing.problems.length === 0) throw new Error('Neither read nor refused');
      throw REFUSED;
    }
    // What was read can be written, and is the same when it is read again.
    const again = parseJobFile(renderJobFile(parsing.spec), '/folder/job.toml');
    if (!('spec' in again) || JSON.stringify(again.spec) !== JSON.stringify(parsing.spec)) {
      throw new Error(`Written and read again it is another job: ${JSON.stringify(again)}`);
    }
  },
};

const goodJobs = filesOf('examples', '.toml');
/** The same reader, for what is sound TOML and no job: deep, or very many. */
const nestedJobFile: FuzzTarget = {
  ...jobFile,
  name: 'job-file-nesting',
  seeds: async () => goodJobs,
  madeOnly: true,
  costly: true,
  make: (random) => nestedToml(random, goodJobs),
};

const memberSettings: FuzzTarget = {
  name: 'member-settings',
  form: 'text',
  seeds: async () => [...filesOf('packaging', 'control-plane.toml'), ...texts(MEMBER_SETTINGS)],
  refuses: coded(ConfigError),
  read: (input) => loadMemberConfig({ file: scratchFile('control-plane.toml', input) }, MACHINE),
};
const MEMBER_SETTINGS = `id = 1
cluster = "c"
data = "/var/lib/cell"
members = [{ id = 1, grpc = "10.0.0.1:7600", peers = "10.0.0.1:7601", http = "10.0.0.1:7602" }, { id = 2, grpc = "10.0.0.2:7600", peers = "10.0.0.2:7601", http = "10.0.0.2:7602" }]
raft = { heartbeat = "50ms", election = "400ms" }
[certificates]
lifetime = "24h"
[limits]
connections = 100
[http]
allow = ["loopback", "10.0.0.0/8"]
`;
const AGENT_SETTINGS = `name = "n1"
control_plane = ["10.0.0.1:7600"]
join_token_file = "/etc/cell/token"
[resources]
cpu = 1.5
memory = "512MiB"
[ports]
range = "20000-29999"
[attributes]
zone = "a"
`;
const MACHINE = { hostName: 'one', addresses: ['10.0.0.1'] };

const agentSettings: FuzzTarget = {
  name: 'agent-settings',
  form: 'text',
  seeds: async () => [...filesOf('packaging', 'agent.toml'), ...texts(AGENT_SETTINGS)],
  refuses: coded(ConfigError),
  read: (input) => loadAgentSettings({ file: scratchFile('agent.toml', input) }),
};

const goodSettings = texts(AGENT_SETTINGS);
const nestedSettings: FuzzTarget = {
  ...agentSettings,
  name: 'settings-nesting',
  seeds: async () => goodSettings,
  madeOnly: true,
  costly: true,
  make: (random) => nestedToml(random, goodSettings),
};

const contexts: FuzzTarget = {
  name: 'contexts',
  form: 'text',
  seeds: async () =>
    texts(
      'context = "one"\n[contexts.one]\naddresses = ["10.0.0.1:7600", "[::1]:7600"]\ntimeout = "5s"\n',
      '[contexts]\n"two words" = { addresses = ["host"] }\n',
    ),
  refuses: (error) => (error as { code?: unknown }).code === 'CELL_E_CONFIG',
  read: (input) => parseConfiguration(utf8(input), 'config.toml'),
};

const token: FuzzTarget = {
  name: 'token',
  form: 'text',
  seeds: async () =>
    texts(tokenText(makeToken('join', 'ab'.repeat(32))), tokenText(makeToken('access', '00'.repeat(32)))),
  refuses: coded(IdentityError),
  read: (input) => {
    const text = utf8(input);
    const parsed = parseToken(text, text.includes('cellkey') ? 'access' : 'join');
    if (tokenText(parsed) !== text.trim()) throw new Error('A token has two forms');
  },
};

const subject: FuzzTarget = {
  name: 'subject',
  form: 'text',
  seeds: async () =>
    texts('cell:member:1', 'cell:node:0a-b', 'URI:cell:token:aaaaaaaaaa', 'URI:cell:member:3, URI:cell:node:a'),
  refuses: returned,
  read: (input) => {
    const text = utf8(input);
    if ((parseSubject(text) ?? subjectOf(text)) === undefined) throw REFUSED;
  },
};

const quantities: FuzzTarget = {
  name: 'quantities',
  form: 'text',
  seeds: async () =>
    texts(
      '10s',
      '1h30m',
      '250ms',
      '512MiB',
      '1.5GiB',
      '127.0.0.1:80',
      '[::1]:7600',
      'host:1',
      '10.0.0.0/8',
      'fe80::/10',
    ),
  refuses: returned,
  read: (input) => {
    const text = utf8(input);
    const numbers = [parseDurationMs(text), parseSizeBytes(text)];
    if (numbers.some((each) => each !== undefined && !Number.isInteger(each))) {
      throw new Error(`Read "${text}" as ${numbers.join(' and ')}`);
    }
    splitAddress(text);
    new AddressList([text]).has(text);
  },
};

export const textTargets: readonly FuzzTarget[] = [
  jobFile,
  nestedJobFile,
  memberSettings,
  agentSettings,
  nestedSettings,
  contexts,
  token,
  subject,
  quantities,
];
