import { hostname } from 'node:os';
import {
  absolutePath,
  addressWithPort,
  checkHttpSettings,
  choice,
  dictionary,
  type HttpSettings,
  host,
  httpSettings,
  httpVariables,
  joinAddress,
  list,
  listenAddress,
  loadSettings,
  number,
  optional,
  type RefuseKey,
  type SettingsOf,
  type SettingsSource,
  type SettingVariable,
  scalar,
  size,
  table,
  text,
  withDefault,
} from '@cell/config';

/** Where an agent is configured if nothing says otherwise. */
export const CONFIG_FILE = '/etc/cell/agent.toml';

/** What an agent is told at its start. */
export interface AgentConfig {
  readonly name: string;
  readonly data: string;
  /** Undefined: systemd where it runs and the agent is root, else processes. */
  readonly runtime: 'systemd' | 'process' | undefined;
  /** Folder of the files that jobs may be given as credentials and environment; root's own. */
  readonly secrets: string;
  /** "host:port" of members, in any order; one is enough to find the others. */
  readonly controlPlane: readonly string[];
  /** To join with, at the first start only; undefined: see `joinTokenFile`. */
  readonly joinToken: string | undefined;
  /** Where it is written, for people. */
  readonly joinTokenPlace: string;
  /** A file that holds the token; it may come later. */
  readonly joinTokenFile: string | undefined;
  /** Where the ports of what runs here are reached. */
  readonly address: string;
  readonly listenHttp: string;
  /** Who may read the metrics. */
  readonly http: HttpSettings;
  /** Undefined: what the machine has. */
  readonly cpuMillis: number | undefined;
  readonly memoryMib: number | undefined;
  readonly portFirst: number;
  readonly portLast: number;
  readonly attributes: Readonly<Record<string, string>>;
}

const NAME_LENGTH_MAX = 63;
const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;
const CONTROL_PLANE_PORT = 7600;
const HTTP_PORT = 7603;
const PORTS = /^(\d{1,5})-(\d{1,5})$/;
const PORT_MAX = 65_535;
const ATTRIBUTES_MAX = 200;
const ATTRIBUTE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const ATTRIBUTE_LENGTH_MAX = 1_000;

const schema = table({
  name: withDefault(
    text({
      lengthMax: NAME_LENGTH_MAX,
      pattern: NAME,
      allowed: `1 to ${NAME_LENGTH_MAX} letters, digits, "." and "-"`,
    }),
    hostname().slice(0, NAME_LENGTH_MAX),
  ),
  data: withDefault(absolutePath(), '/var/lib/cell/agent'),
  runtime: optional(choice('systemd', 'process')),
  secrets: withDefault(absolutePath(), '/etc/cell/secrets'),
  control_plane: list(addressWithPort(CONTROL_PLANE_PORT), 1, 32),
  join_token: optional(text()),
  join_token_file: optional(absolutePath()),
  address: optional(host()),
  listen: table({ http: optional(listenAddress()) }),
  http: httpSettings,
  resources: table({ cpu: optional(number(0.1, 4_096)), memory: optional(size('16MiB', '64TiB')) }),
  ports: table({
    range: withDefault(
      scalar(`a range of ports such as "20000-29999", from 1 to ${PORT_MAX}`, portRange),
      [20_000, 29_999],
    ),
  }),
  attributes: dictionary(text({ lengthMax: ATTRIBUTE_LENGTH_MAX }), ATTRIBUTES_MAX),
  log: table({ level: withDefault(choice('trace', 'debug', 'info', 'warn', 'error'), 'info') }),
});

/** An agent's configuration as it is written. */
export type AgentSettings = SettingsOf<typeof schema>;

/** What the environment can say in the file's place; the systemd unit takes it from /etc/default. */
const VARIABLES: readonly SettingVariable[] = [
  { variable: 'CELL_NODE_NAME', path: ['name'], kind: 'text' },
  { variable: 'CELL_CONTROL_PLANE', path: ['control_plane'], kind: 'list' },
  { variable: 'CELL_JOIN_TOKEN', path: ['join_token'], kind: 'text' },
  { variable: 'CELL_JOIN_TOKEN_FILE', path: ['join_token_file'], kind: 'text' },
  { variable: 'CELL_NODE_ADDRESS', path: ['address'], kind: 'text' },
  ...httpVariables,
  { variable: 'CELL_LOG_LEVEL', path: ['log', 'level'], kind: 'text' },
];

/** Reads and checks an agent's configuration. Throws `ConfigError` with every problem. */
export function loadAgentSettings(source: SettingsSource): AgentSettings {
  return loadSettings({ variables: VARIABLES, ...source }, schema, check);
}

function check(settings: AgentSettings, refuse: RefuseKey): void {
  const { attributes, join_token: token, join_token_file: tokenFile } = settings;
  for (const name of Object.keys(attributes).filter((key) => !ATTRIBUTE_NAME.test(key))) {
    refuse(['attributes', name], 'is no name of an attribute. It must be letters, digits, ".", "_" and "-"');
  }
  if (token !== undefined && tokenFile !== undefined) {
    refuse(['join_token_file'], 'is given beside "join_token". It must be one of them');
  }
  checkHttpSettings(settings.http, refuse);
}

/** `foundAddress`: by which this machine is reached, if the settings don't say. `environment`: that they were read with. */
export function agentConfig(
  settings: AgentSettings,
  foundAddress: string,
  environment: SettingsSource['environment'] = process.env,
): AgentConfig {
  const { cpu, memory } = settings.resources;
  const [portFirst, portLast] = settings.ports.range;
  const address = settings.address ?? foundAddress;
  const fromVariable = (environment?.['CELL_JOIN_TOKEN'] ?? '') !== '';
  return {
    name: settings.name,
    data: settings.data,
    runtime: settings.runtime,
    secrets: settings.secrets,
    controlPlane: settings.control_plane,
    joinToken: settings.join_token,
    joinTokenPlace: fromVariable ? 'the variable "CELL_JOIN_TOKEN"' : 'the setting "join_token"',
    joinTokenFile: settings.join_token_file,
    address,
    listenHttp: settings.listen.http ?? joinAddress(address, HTTP_PORT),
    http: settings.http,
    cpuMillis: cpu === undefined ? undefined : Math.round(cpu * 1_000),
    memoryMib: memory === undefined ? undefined : Math.floor(memory / 2 ** 20),
    portFirst,
    portLast,
    attributes: settings.attributes,
  };
}

function portRange(range: unknown): readonly [first: number, last: number] | undefined {
  const found = PORTS.exec(String(range));
  const [first, last] = [Number(found?.[1]), Number(found?.[2])];
  return found !== null && first >= 1 && first <= last && last <= PORT_MAX ? [first, last] : undefined;
}
