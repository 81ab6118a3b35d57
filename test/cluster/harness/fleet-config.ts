/** Configuration files for a fleet on loopback. */
export interface MemberPorts {
  readonly id: number;
  readonly grpc: number;
  readonly peers: number;
  readonly http: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

export interface MemberFile {
  readonly own: MemberPorts;
  readonly members: readonly MemberPorts[];
  readonly cluster: string;
  readonly data: string;
  /** More TOML, whole tables. */
  readonly extra: string;
}

export function memberToml({ own, members, cluster, data, extra }: MemberFile): string {
  const addresses = ({ host = '127.0.0.1', grpc, peers, http }: MemberPorts) =>
    `grpc = "${host}:${grpc}"\npeers = "${host}:${peers}"\nhttp = "${host}:${http}"\n`;
  const list = members.map((member) => `[[members]]\nid = ${member.id}\n${addresses(member)}`).join('\n');
  return `id = ${own.id}\ncluster = "${cluster}"\ndata = "${data}"\n\n[listen]\n${addresses(own)}\n${list}\n${extra}`;
}

export interface AgentFile {
  readonly name: string;
  readonly data: string;
  readonly httpPort: number;
  readonly members: readonly MemberPorts[];
  readonly ports: readonly [first: number, last: number];
  /** With the token to join with; undefined: it has none. */
  readonly joinTokenFile: string | undefined;
  readonly extra: string;
}

export function agentToml({ name, data, httpPort, members, ports, joinTokenFile, extra }: AgentFile): string {
  const controlPlane = members.map((member) => `"127.0.0.1:${member.grpc}"`).join(', ');
  return `name = "${name}"
data = "${data}"
runtime = "process"
control_plane = [${controlPlane}]
${joinTokenFile === undefined ? '' : `join_token_file = "${joinTokenFile}"\n`}
[listen]
http = "127.0.0.1:${httpPort}"

[ports]
range = "${ports[0]}-${ports[1]}"
${extra}`;
}
