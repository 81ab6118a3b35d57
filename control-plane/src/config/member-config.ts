import {
  absolutePath,
  address,
  choice,
  duration,
  flag,
  integer,
  list,
  listenAddress,
  loadSettings,
  type SettingsCheck,
  type SettingsOf,
  splitAddress,
  table,
  text,
  withDefault,
} from '@cell/config';

/** Where a member is configured if nothing says otherwise. */
export const CONFIG_FILE = '/etc/cell/control-plane.toml';

/** Founding members of a cluster: more only make writes slower. */
const MEMBERS_MAX = 9;
const MEMBER_ID_MAX = 1_000_000;

/**
 * Members tell the leader once a second whom they have heard. An agent leaves a member that has had nothing confirmed
 * for half a lease.
 */
const CONFIRMATION_MS = 1500;

/** An election must outlast so many heartbeats, or one that is lost unseats the leader. */
const HEARTBEATS_PER_ELECTION_MIN = 4;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

const schema = table({
  id: integer(1, MEMBER_ID_MAX),
  cluster: text({
    pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    allowed: 'a name of 1 to 63 lower-case letters, digits and inner hyphens',
  }),
  data: withDefault(absolutePath(), '/var/lib/cell/control-plane'),
  listen: table({
    grpc: withDefault(listenAddress(), '127.0.0.1:7600'),
    peers: withDefault(listenAddress(), '127.0.0.1:7601'),
    http: withDefault(listenAddress(), '127.0.0.1:7602'),
  }),
  members: list(
    table({ id: integer(1, MEMBER_ID_MAX), grpc: address(), peers: address(), http: address() }),
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
  log: table({ level: withDefault(choice(...logLevels), 'info') }),
});

/** A member's configuration; durations in milliseconds. */
export type MemberConfig = SettingsOf<typeof schema>;

/** Throws `ConfigError` (of @cell/config) with every problem. */
export function loadMemberConfig(file: string): MemberConfig {
  return loadSettings(file, schema, check);
}

const check: SettingsCheck<MemberConfig> = (config, refuse) => {
  checkMembers(config, refuse);
  checkOwnEntry(config, refuse);
  const { raft, leases } = config;
  if (raft.election < raft.heartbeat * HEARTBEATS_PER_ELECTION_MIN) {
    refuse(
      ['raft', 'election'],
      `is ${raft.election} ms. It must be at least ${HEARTBEATS_PER_ELECTION_MIN} times raft.heartbeat (${raft.heartbeat} ms)`,
    );
  }
  const durationMsMin = 2 * (leases.heartbeat + CONFIRMATION_MS);
  if (leases.duration < durationMsMin) {
    refuse(
      ['leases', 'duration'],
      `is ${leases.duration} ms. It must be at least ${durationMsMin} ms: leases.heartbeat (${leases.heartbeat} ms) and ` +
        `what its confirmation takes (${CONFIRMATION_MS} ms), twice`,
    );
  }
};

const checkMembers: SettingsCheck<MemberConfig> = ({ members }, refuse) => {
  const seen = new Map<string, string>();
  for (const [place, member] of members.entries()) {
    for (const key of ['id', 'grpc', 'peers', 'http'] as const) {
      const value = String(member[key]);
      const path = `members[${place}].${key}`;
      const first = seen.get(value);
      if (first === undefined) seen.set(value, path);
      else refuse(['members', place, key], `has the value "${value}". It must differ from ${first}, which has it too`);
    }
  }
};

/** Peers and agents dial what "members" says; so this member must listen there. */
const checkOwnEntry: SettingsCheck<MemberConfig> = ({ id, members, listen }, refuse) => {
  const own = members.findIndex((member) => member.id === id);
  if (own < 0) {
    const ids = members.map((member) => member.id).join(', ');
    refuse(['id'], `has the value "${id}". It must be the id of one of "members", which are ${ids}`);
    return;
  }
  for (const key of ['grpc', 'peers', 'http'] as const) {
    const told = members[own]![key];
    if (splitAddress(told)?.port === splitAddress(listen[key])?.port) continue;
    refuse(
      ['listen', key],
      `has the value "${listen[key]}". Its port must be that of members[${own}].${key}, "${told}"`,
    );
  }
};
