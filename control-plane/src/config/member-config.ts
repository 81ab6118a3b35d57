import {
  absolutePath,
  address,
  checkHttpSettings,
  choice,
  duration,
  flag,
  host,
  httpSettings,
  httpVariables,
  integer,
  list,
  listenAddress,
  loadSettings,
  optional,
  type RefuseKey,
  type SettingsOf,
  type SettingsSource,
  type SettingVariable,
  shortOrTable,
  table,
  text,
  withDefault,
} from '@cell/config';
import type { MemberAddress } from '../ports.ts';
import { checkMember } from './check-member.ts';
import { findOwnId, type Machine, thisMachine } from './find-own-id.ts';
import { type ListenAddresses, listenAddresses, wholeMembers } from './member-places.ts';

/** Where a member is configured if nothing says otherwise. */
export const CONFIG_FILE = '/etc/cell/control-plane.toml';

/** Founding members of a cluster: more only make writes slower. */
const MEMBERS_MAX = 9;
const MEMBER_ID_MAX = 1_000_000;

const HOUR_MS = 3_600_000;
const COUNT_MAX = 1_000_000;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const schema = table({
  id: optional(integer(1, MEMBER_ID_MAX)),
  cluster: withDefault(
    text({
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      allowed: 'a name of 1 to 63 lower-case letters, digits and inner hyphens',
    }),
    'cell',
  ),
  data: withDefault(absolutePath(), '/var/lib/cell/control-plane'),
  keyring: optional(absolutePath()),
  join_token: optional(text({ lengthMax: 256 })),
  join_token_file: optional(absolutePath()),
  listen: table({
    grpc: optional(listenAddress()),
    peers: optional(listenAddress()),
    http: optional(listenAddress()),
  }),
  members: list(
    shortOrTable(host(), table({ id: integer(1, MEMBER_ID_MAX), grpc: address(), peers: address(), http: address() })),
    1,
    MEMBERS_MAX,
  ),
  raft: table({
    heartbeat: withDefault(duration('10ms', '10s'), 50),
    election: withDefault(duration('50ms', '60s'), 400),
    lease_reads: withDefault(flag(), false),
  }),
  leases: table({
    duration: withDefault(duration('4s', '10m'), 10_000),
    heartbeat: withDefault(duration('200ms', '1m'), 3000),
    margin: withDefault(duration('1500ms', '1m'), 2000),
  }),
  certificates: table({
    lifetime: withDefault(duration('10s', '30d'), 24 * HOUR_MS),
    renew_expired_within: withDefault(duration('0s', '90d'), 7 * 24 * HOUR_MS),
  }),
  limits: table({
    calls_per_second: withDefault(integer(1, COUNT_MAX), 2000),
    calls_burst: withDefault(integer(1, COUNT_MAX), 4000),
    messages_per_second: withDefault(integer(1, COUNT_MAX), 10_000),
    messages_burst: withDefault(integer(1, COUNT_MAX), 20_000),
    failures_per_minute: withDefault(integer(1, COUNT_MAX), 20),
    failures_burst: withDefault(integer(1, COUNT_MAX), 20),
    joins_per_minute: withDefault(integer(1, COUNT_MAX), 120),
    joins_burst: withDefault(integer(1, COUNT_MAX), 120),
    connections: withDefault(integer(1, COUNT_MAX), 20_000),
    connections_per_address: withDefault(integer(1, COUNT_MAX), 1024),
    handshakes: withDefault(integer(1, COUNT_MAX), 512),
    handshake_time: withDefault(duration('1s', '1m'), 10_000),
  }),
  http: httpSettings,
  log: table({ level: withDefault(choice(...logLevels), 'info') }),
});

type Settings = SettingsOf<typeof schema>;

/** A member's configuration; durations in milliseconds. */
export type MemberConfig = Omit<Settings, 'id' | 'listen' | 'members'> & {
  readonly id: number;
  readonly listen: ListenAddresses;
  readonly members: readonly MemberAddress[];
};

/** What the environment can say in the file's place; the systemd unit takes it from /etc/default. */
const VARIABLES: readonly SettingVariable[] = [
  { variable: 'CELL_CLUSTER', path: ['cluster'], kind: 'text' },
  { variable: 'CELL_MEMBERS', path: ['members'], kind: 'list' },
  { variable: 'CELL_JOIN_TOKEN', path: ['join_token'], kind: 'text' },
  { variable: 'CELL_JOIN_TOKEN_FILE', path: ['join_token_file'], kind: 'text' },
  ...httpVariables,
  { variable: 'CELL_LOG_LEVEL', path: ['log', 'level'], kind: 'text' },
];

/** Throws `ConfigError` (of @cell/config) with every problem. */
export function loadMemberConfig(source: SettingsSource, machine: Machine = thisMachine()): MemberConfig {
  let config: MemberConfig | undefined;
  loadSettings({ variables: VARIABLES, ...source }, schema, (settings, refuse) => {
    config = complete(settings, machine, refuse);
  });
  // It is incomplete only after something was refused.
  return config!;
}

/** With what follows from what was left out; undefined if that was refused. */
function complete(settings: Settings, machine: Machine, refuse: RefuseKey): MemberConfig | undefined {
  const members = wholeMembers(settings.members, refuse);
  const id = members === undefined ? undefined : (settings.id ?? findOwnId(members, machine, refuse));
  if (members === undefined || id === undefined) return undefined;
  const entry = settings.members[members.findIndex((member) => member.id === id)];
  const listen = listenAddresses(settings.listen, entry);
  const config = { ...settings, id, members, listen };
  checkMember(config, refuse);
  checkHttpSettings(settings.http, refuse);
  return config;
}
