import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorityPlaces, initialize } from '@cell/control-plane/authority';
import type { Trust } from '@cell/identity';

/** What clients of a fleet come with. */
export interface OperatorIdentity {
  readonly token: string;
  readonly trust: Trust;
}

/** What we read of its file of authorities. */
interface AuthorityBook {
  readonly authorities: readonly { readonly certificate: string }[];
}

/** Name of the token for them. */
const AGENTS = 'agents';
/** More than any fleet of a test has agents, simulated ones included. */
const AGENTS_MAX = 100_000;
const MEMBERS_MAX = 9;
const TOKEN_LIFE_MS = 86_400_000;

const clock = { wallMs: () => Date.now() };

/**
 * Who is who in a fleet: made in this process and copied to each member, so that a fleet is up as soon as it would be
 * without. What people do instead, "init" and "join", has tests of its own.
 */
export class FleetIdentity {
  readonly #folder: string;
  readonly operator: OperatorIdentity;
  /** Any number of nodes may join with it. */
  readonly agentToken: string;
  /** Files with the text of a token. */
  readonly adminTokenFile: string;
  readonly agentTokenFile: string;

  private constructor(folder: string, operator: OperatorIdentity, agentToken: string) {
    this.#folder = folder;
    this.operator = operator;
    this.agentToken = agentToken;
    this.adminTokenFile = join(folder, 'admin.token');
    this.agentTokenFile = join(folder, 'agent.token');
  }

  /** Below the fleet's folder. */
  static async make(fleetFolder: string, cluster: string): Promise<FleetIdentity> {
    const folder = FleetIdentity.folderIn(fleetFolder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const places = authorityPlaces(folder);
    const made = await initialize({
      ...places,
      cluster,
      memberId: 1,
      memberIds: Array.from({ length: MEMBERS_MAX }, (_, place) => place + 1),
      clock,
      tokens: [{ name: AGENTS, role: 'agent', uses: AGENTS_MAX, ttlMs: TOKEN_LIFE_MS }],
    });
    const book = JSON.parse(readFileSync(join(places.folder, 'authorities.json'), 'utf8')) as AuthorityBook;
    const trust = book.authorities.map(({ certificate }) => certificate);
    const identity = new FleetIdentity(folder, { token: made.adminToken, trust }, made.tokens[AGENTS]!);
    writeFileSync(identity.adminTokenFile, `${made.adminToken}\n`, { mode: 0o600 });
    writeFileSync(identity.agentTokenFile, `${identity.agentToken}\n`, { mode: 0o600 });
    return identity;
  }

  /** Where it is made: as a member's folder of data. */
  static folderIn(fleetFolder: string): string {
    return join(fleetFolder, 'identity');
  }

  /** Makes the machine with this folder of data able to be a member, unless it is. */
  giveTo(data: string): void {
    const { folder } = authorityPlaces(data);
    if (existsSync(folder)) return;
    mkdirSync(data, { recursive: true });
    cpSync(authorityPlaces(this.#folder).folder, folder, { recursive: true });
  }
}
