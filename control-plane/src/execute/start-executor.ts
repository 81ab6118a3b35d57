/** Starts all that a member does on its own: the leader's duties while it leads, and what every member does. */
import type { Logger } from 'pino';
import type { Clock, Consensus, Leadership, PeerRequests, Peers, SeenNode } from '../ports.ts';
import type { StateChange } from '../state/fleet-state.ts';
import { AuthorityRotation } from './authority-rotation.ts';
import { startCollector } from './collector.ts';
import { DrainDeadlines } from './drain-deadlines.ts';
import type { HeardSessions } from './heard-sessions.ts';
import { startLivenessReporter } from './liveness-reporter.ts';
import { NodeLiveness } from './node-liveness.ts';
import { ReconcileLoop } from './reconcile-loop.ts';
import { ReportBatcher, type ReportSink } from './report-batcher.ts';

export interface ExecutorParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
  /** A new unsigned 32-bit number per call. */
  readonly random: () => number;
  readonly settings: ExecutorSettings;
  readonly sessions: HeardSessions;
}

export interface ExecutorSettings {
  /** How long a confirmed heartbeat entitles a node to run, counted from when it was sent. */
  readonly leaseMs: number;
  /** What the leader waits on top of the lease before it calls a node lost. */
  readonly marginMs: number;
  /** How long certificates live. */
  readonly certificateLifetimeMs: number;
  /** Placements in one plan at most. Default 1,000. */
  readonly placementsMax?: number;
}

export interface Executor {
  /** Where agents' reports go. */
  readonly reports: ReportSink;
  /** For `PeerRequests`: throws `CELL_E_NOT_LEADER` elsewhere than on the leader. */
  readonly livenessReported: PeerRequests['livenessReported'];
  stop(): void;
}

const placementsMaxDefault = 1_000;
const announceRetryMs = 200;

export function startExecutor(parts: ExecutorParts): Executor {
  const { consensus, clock, log, settings } = parts;
  const liveness = new NodeLiveness({ consensus, clock, log, ...settings });
  const placementsMax = settings.placementsMax ?? placementsMaxDefault;
  const reconcile = new ReconcileLoop({ consensus, clock, log, random: parts.random, placementsMax });
  const reports = new ReportBatcher(parts);
  const { certificateLifetimeMs } = settings;
  const clocked = [new DrainDeadlines(parts), new AuthorityRotation({ ...parts, certificateLifetimeMs })];
  const duties = new LeaderDuties(parts, liveness, reconcile, clocked);
  const reportedHere = (seen: readonly SeenNode[]) => liveness.reported(seen);
  const stops = [
    consensus.onChange((change) => duties.changed(change)),
    consensus.onLeadership((leadership) => duties.follow(leadership)),
    startLivenessReporter({ ...parts, reportedHere }),
    startCollector(parts),
    () => reports.stop(),
    () => duties.resign(),
  ];
  duties.follow(consensus.leadership);
  return {
    reports,
    livenessReported: (_from, seen) => reportedHere(seen),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** What a leader does now and then. */
interface ClockedDuty {
  start(): void;
  stop(): void;
}

/** What begins with an election and ends with the next one. */
class LeaderDuties {
  readonly #parts: ExecutorParts;
  readonly #liveness: NodeLiveness;
  readonly #reconcile: ReconcileLoop;
  readonly #clocked: readonly ClockedDuty[];
  /** The term that this member leads in; 0 while it does not lead. */
  #term = 0;

  constructor(parts: ExecutorParts, liveness: NodeLiveness, reconcile: ReconcileLoop, clocked: readonly ClockedDuty[]) {
    this.#parts = parts;
    this.#liveness = liveness;
    this.#reconcile = reconcile;
    this.#clocked = clocked;
  }

  follow({ leading, term }: Leadership): void {
    if (leading && term !== this.#term) {
      this.resign();
      this.#term = term;
      this.#liveness.start();
      void this.#announce(term);
    } else if (!leading && this.#term !== 0) this.resign();
  }

  resign(): void {
    this.#term = 0;
    this.#liveness.stop();
    this.#reconcile.stop();
    for (const duty of this.#clocked) duty.stop();
  }

  /** Once the announcement is applied here, all that earlier leaders wrote is applied too: planning can begin. */
  async #announce(term: number): Promise<void> {
    const { consensus, clock, log } = this.#parts;
    try {
      await consensus.propose({ kind: 'leader-elected', timeMs: clock.wallMs(), member: consensus.memberId });
      if (this.#term !== term) return;
      log.info({ term }, 'Leading: planning begins');
      this.#reconcile.start();
      for (const duty of this.#clocked) duty.start();
    } catch (error) {
      if (this.#term !== term) return;
      log.info({ err: error, term }, 'The election could not be announced; trying again');
      clock.after(announceRetryMs, () => {
        if (this.#term === term) void this.#announce(term);
      });
    }
  }

  changed(change: StateChange | 'replaced'): void {
    if (this.#term === 0) return;
    if (change === 'replaced') this.#liveness.forget();
    else {
      const ready = change.nodes.filter((node) => node.status === 'ready');
      this.#liveness.becameReady(ready.map((node) => node.id));
    }
    this.#reconcile.changed(change);
  }
}
