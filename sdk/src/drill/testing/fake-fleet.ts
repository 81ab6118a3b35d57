/** Three members in this process that behave as a control plane does around the loss of its leader. */
import { AllocationState } from '@cell/proto';
import { codedError, type FakeControlPlane, startFakeControlPlane } from '../../client/testing/fake-control-plane.ts';

/** What goes wrong after the fault. */
export interface FleetFaults {
  /** These marks are acknowledged and not kept. */
  readonly losesMarks?: readonly number[];
  readonly neverElects?: boolean;
  readonly refusesMarks?: boolean;
  readonly restartsWorkload?: boolean;
  readonly losesAgents?: number;
  /** They come back so long after the fault. */
  readonly agentsAwayMs?: number;
  readonly problems?: readonly string[];
  /** The leader stays, whatever is ordered. */
  readonly ignoresOrder?: boolean;
  readonly membersMax?: number;
  /** The killed member is started again. */
  readonly restartsMember?: boolean;
}

const ELECTION_MS = 60;
const RESTART_MS = 300;
const AGENTS_EACH = 2;

export class FakeFleet {
  readonly members = new Map<bigint, FakeControlPlane>();
  leaderId = 1n;
  term = 3n;
  faultInjected = false;
  readonly #faults: FleetFaults;
  readonly #marks = new Set<number>();
  #agentsBack = false;
  readonly #dead = new Set<bigint>();

  private constructor(faults: FleetFaults) {
    this.#faults = faults;
  }

  static async start(faults: FleetFaults = {}): Promise<FakeFleet> {
    const fleet = new FakeFleet(faults);
    for (const id of [1n, 2n, 3n]) fleet.members.set(id, await startFakeControlPlane(fleet.#handlers(id)));
    return fleet;
  }

  get addresses(): string[] {
    return [...this.members.values()].map((member) => member.address);
  }

  get marks(): readonly number[] {
    return [...this.#marks];
  }

  end(): void {
    for (const member of this.members.values()) member.end();
  }

  #handlers(id: bigint) {
    return {
      getFleetStatus: () => ({ problems: (this.#faults.problems ?? []).map((message) => ({ message })) }),
      getControlPlaneStatus: () => this.#status(id),
      listAllocations: () => ({ allocations: [this.#allocation()] }),
      writeMark: ({ sequence }: { readonly sequence: bigint }) => this.#write(Number(sequence)),
      listMarks: () => ({
        ranges: this.marks.map((mark) => ({ first: BigInt(mark), last: BigInt(mark) })),
      }),
      crashLeader: () => {
        if (this.#faults.ignoresOrder === true) return {};
        this.#crash(this.leaderId);
        this.#elect();
        return {};
      },
      transferLeadership: () => {
        this.#elect();
        return { leaderId: 2n };
      },
    };
  }

  #crash(id: bigint): void {
    const member = this.members.get(id);
    member?.crash();
    this.#dead.add(id);
    if (this.#faults.restartsMember === true) setTimeout(() => void member?.revive(), RESTART_MS);
  }

  #elect(): void {
    this.faultInjected = true;
    this.leaderId = 0n;
    const { agentsAwayMs } = this.#faults;
    if (agentsAwayMs !== undefined)
      setTimeout(() => {
        this.#agentsBack = true;
      }, agentsAwayMs);
    if (this.#faults.neverElects === true) return;
    setTimeout(() => {
      this.leaderId = 2n;
      this.term += 1n;
    }, ELECTION_MS);
  }

  #status(id: bigint) {
    const lost = this.faultInjected && !this.#agentsBack ? (this.#faults.losesAgents ?? 0) : 0;
    const members = [...this.members].slice(0, this.#faults.membersMax ?? 3).map(([memberId, { address }]) => ({
      id: memberId,
      grpcAddress: address,
      term: this.term,
      reachable: !this.#dead.has(memberId),
      agentSessions: Math.max(0, AGENTS_EACH - (memberId === 2n ? lost : 0)),
    }));
    return { answeredBy: id, leaderId: this.leaderId, members };
  }

  #allocation() {
    const restarts = this.faultInjected && this.#faults.restartsWorkload === true ? 1 : 0;
    return { id: 'A', job: 'web', nodeName: 'node-1', state: AllocationState.HEALTHY, restarts };
  }

  #write(sequence: number) {
    if (this.leaderId === 0n) throw codedError('CELL_E_NO_LEADER', 'no leader');
    if (this.faultInjected && this.#faults.refusesMarks === true) throw codedError('CELL_E_OVERLOADED', 'busy');
    if (this.#faults.losesMarks?.includes(sequence) !== true) this.#marks.add(sequence);
    return { index: BigInt(sequence) };
  }
}
