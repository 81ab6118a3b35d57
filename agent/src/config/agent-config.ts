import { hostname } from 'node:os';
import {
  absolutePath,
  address,
  choice,
  dictionary,
  list,
  listenAddress,
  loadSettings,
  number,
  optional,
  type SettingsCheck,
  type SettingsOf,
  scalar,
  size,
  table,
  text,
  withDefault,
} from '@cell/config';

/** What an agent is told at its start. */
export interface AgentConfig {
  readonly name: string;
  readonly data: string;
  /** "host:port" of members, in any order; one is enough to find the others. */
  readonly controlPlane: readonly string[];
  readonly listenHttp: string;
  /** Undefined: what the machine has. */
  readonly cpuMillis: number | undefined;
  readonly memoryMib: number | undefined;
  readonly portFirst: number;
  readonly portLast: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly logLevel: LogLevel;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

const NAME_LENGTH_MAX = 63;
const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;
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
  control_plane: list(address(), 1, 32),
  listen: table({ http: withDefault(listenAddress(), '127.0.0.1:7603') }),
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

const check: SettingsCheck<SettingsOf<typeof schema>> = (settings, refuse) => {
  for (const name of Object.keys(settings.attributes).filter((key) => !ATTRIBUTE_NAME.test(key))) {
    refuse(['attributes', name], 'is no name of an attribute. It must be letters, digits, ".", "_" and "-"');
  }
};

/** Reads and checks an agent's configuration. Throws `ConfigError` with every problem. */
export function loadAgentConfig(file: string): AgentConfig {
  const settings = loadSettings(file, schema, check);
  const { cpu, memory } = settings.resources;
  const [portFirst, portLast] = settings.ports.range;
  return {
    name: settings.name,
    data: settings.data,
    controlPlane: settings.control_plane,
    listenHttp: settings.listen.http,
    cpuMillis: cpu === undefined ? undefined : Math.round(cpu * 1_000),
    memoryMib: memory === undefined ? undefined : Math.floor(memory / 2 ** 20),
    portFirst,
    portLast,
    attributes: settings.attributes,
    logLevel: settings.log.level,
  };
}

function portRange(range: unknown): readonly [first: number, last: number] | undefined {
  const found = PORTS.exec(String(range));
  const [first, last] = [Number(found?.[1]), Number(found?.[2])];
  return found !== null && first >= 1 && first <= last && last <= PORT_MAX ? [first, last] : undefined;
}
