/** An agent on paper: what it says and hears in its session, as readable lines. */
import { create } from '@bufbuild/protobuf';
import { type AllocationState, DesiredState, type HelloSchema, type Outgoing, SessionRequestSchema } from '@cell/proto';
import type { CellError } from '../../cell-error.ts';
import { addJob, addNode, place, silentLog } from '../../execute/testing/example-fleet.ts';
import { FakeClock, settle } from '../../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../../execute/testing/memory-consensus.ts';
import type { AllocationReport } from '../../state/commands.ts';
import type { AgentSession } from '../agent-session.ts';
import type { SessionMessage } from '../session-outbox.ts';
import { SessionRegistry } from '../session-registry.ts';

type Said = NonNullable<Outgoing<typeof SessionRequestSchema>['message']>;

export const exampleSettings = { leaseMs: 10_000, heartbeatMs: 3_000, controlPlaneAddresses: ['127.0.0.1:7600'] };

export function exampleHello(name: string, capabilities: string[] = []) {
  const inventory = {
    capacity: { cpuMillis: 4_000, memoryMib: 4_096 },
    address: '127.0.0.1',
    portFirst: 20_000,
    portLast: 29_999,
    runtime: 'process',
    attributes: { 'kernel.name': 'linux' },
    capabilities,
  };
  return { nodeId: name, nodeName: name, agentVersion: '0.1.0', httpAddress: '127.0.0.1:7603', inventory };
}

/** One member's sessions, and one log of all that is said. */
export class SessionTable {
  readonly clock = new FakeClock();
  readonly consensus = new MemoryConsensus();
  readonly lines: string[] = [];
  readonly registry = new SessionRegistry({
    consensus: this.consensus,
    clock: this.clock,
    log: silentLog,
    settings: exampleSettings,
  });
  readonly reports = {
    add: (reports: readonly AllocationReport[], afterHello: boolean) => {
      if (reports.length === 0) return;
      const said = reports.map((report) => `${report.id} ${report.state}`).join(', ');
      this.lines.push(`  reports${afterHello ? ' after hello' : ''}: ${said}`);
    },
  };

  agent(name: string, authorityId?: string): PaperAgent {
    return new PaperAgent(name, this, authorityId);
  }

  /** An allocation of "web", placed at index 3 on node n1, which is registered already. */
  fleetOfOne(): string {
    addNode(this.consensus, 'n1');
    addJob(this.consensus, 'web', 3);
    return place(this.consensus, 'web', 0, 'n1');
  }

  stop(id: string): void {
    const stops = [{ id, reason: 'the test wants it' }];
    this.consensus.write({ kind: 'apply-plan', timeMs: 0, placements: [], stops, unplaced: [] });
  }

  /** What was said since the last time. */
  async said(): Promise<string> {
    await settle();
    return this.lines.splice(0).join('\n');
  }
}

export class PaperAgent {
  readonly name: string;
  readonly session: AgentSession;
  /** The stream takes nothing more after each message. */
  full = false;
  readonly #table: SessionTable;
  #sequence = 0n;

  constructor(name: string, table: SessionTable, authorityId = '') {
    this.name = name;
    this.#table = table;
    const heard = (line: string) => table.lines.push(`${name} < ${line}`);
    const stream = {
      send: (message: SessionMessage) => {
        heard(describe(message));
        return !this.full;
      },
      end: (reason: CellError) => void heard(`end ${reason.code}: ${reason.message}`),
    };
    this.session = table.registry.open(stream, table.reports, { nodeId: name, authorityId });
  }

  say(message: Said): void {
    this.#table.lines.push(`${this.name} > ${message.case}`);
    this.session.receive(create(SessionRequestSchema, { message }));
  }

  hello(changes: Partial<Outgoing<typeof HelloSchema>> = {}): void {
    this.say({ case: 'hello', value: { ...exampleHello(this.name), ...changes } as Outgoing<typeof HelloSchema> });
  }

  beat(): void {
    this.#sequence += 1n;
    this.say({ case: 'heartbeat', value: { sequence: this.#sequence } });
  }

  report(id: string, state: AllocationState): void {
    this.say({ case: 'report', value: { allocations: [{ id, state }] } });
  }
}

function describe(message: SessionMessage): string {
  if (message.case === 'welcome') {
    const { clusterId, heartbeatIntervalMs, leaseMs, controlPlaneAddresses = [] } = message.value;
    return `welcome to ${clusterId}, heartbeat ${heartbeatIntervalMs}, lease ${leaseMs}, members ${controlPlaneAddresses.join(', ')}`;
  }
  if (message.case === 'leaseRenewal') return `lease renewed by heartbeat ${message.value.sequence}`;
  if (message.case === 'trust') {
    const { trust = [], renew } = message.value;
    return `trust ${trust.join(', ')}${renew === true ? '; renew' : ''}`;
  }
  if (message.case === 'openLogs') return 'open logs';
  if (message.case === 'openExec') return 'open exec';
  if (message.case !== 'desired') return 'nothing';
  const { generation, complete, set = [], removed = [], more } = message.value;
  const changes = set.map(({ id, desired }) => `${desired === DesiredState.RUN ? '+' : '-'}${id}`);
  const all = [...changes, ...removed.map((id) => `x${id}`)];
  const about = `${complete === true ? ', complete' : ''}${more === true ? ', more follows' : ''}`;
  return `desired at ${generation}${about}: ${all.join(' ') || 'nothing'}`;
}
