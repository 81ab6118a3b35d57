import type { ReadOnlyOption } from '../core/index.ts';
import { Random } from './random.ts';

/** What kind of trouble prevails. */
export type Mood = 'mixed' | 'churn' | 'partitions' | 'crashes' | 'membership' | 'disks';

export interface NetworkSettings {
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** How many messages come very late, perhaps when their term is long over. */
  readonly stragglerRate: number;
  readonly stragglerMsMax: number;
  /** Senders are told that a message could not be delivered. */
  readonly reportsUnreachable: boolean;
}

export interface StorageSettings {
  /** synchronous: store, send, apply, advance; asynchronous: as the driver does, by messages to storage. */
  readonly mode: 'synchronous' | 'asynchronous';
  readonly writeMsMax: number;
  /** A crash may keep a part of a write that was not synced; otherwise all of it or nothing. */
  readonly tornWrites: boolean;
  /** 0: the state machine applies at once, as the driver does. Only in the asynchronous mode. */
  readonly applyMsMax: number;
  readonly snapshotEveryEntries: number;
  /** Entries that stay in the log behind a snapshot. */
  readonly keepEntries: number;
}

/** Limits of the core, small enough to be felt. */
export interface CoreSettings {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** lease-based: then no clock is wrong, nobody stands still, and nobody is told to stand for election. */
  readonly readOnlyOption: ReadOnlyOption;
  readonly keepPromise: boolean;
  readonly disableProposalForwarding: boolean;
  readonly inflightMessagesMax: number;
  readonly messageSizeMax: number;
  readonly committedSizePerReadyMax: number;
  readonly uncommittedSizeMax: number;
}

/** Everything that a seed implies, but for the single draws while it runs. */
export interface Scenario {
  readonly seed: number;
  readonly mood: Mood;
  /** Members of the founding configuration. */
  readonly voters: number;
  /** Processes that begin as nobody's members, for changes of membership. */
  readonly spares: number;
  readonly tickMs: number;
  /** Each member's ticks are at most 1 + this many times as long, or as short; 1: half the speed to double. */
  readonly clockDriftMax: number;
  /** What comes in is gathered for so long before a member's Ready is taken; 0: after each message. */
  readonly turnMsMax: number;
  readonly faultEveryMs: number;
  readonly operationEveryMs: number;
  /** The time of faults; then come healing and what must work again. */
  readonly troubleMs: number;
  readonly network: NetworkSettings;
  readonly storage: StorageSettings;
  readonly core: CoreSettings;
}

const TROUBLE_MS = 8_000;
const UNLIMITED_BYTES = 1 << 20;

export function makeScenario(seed: number): Scenario {
  const random = new Random(seed, 1);
  const mood = random.weighted<Mood>([
    [3, 'mixed'],
    [3, 'churn'],
    [2, 'partitions'],
    [2, 'crashes'],
    [3, 'membership'],
    [2, 'disks'],
  ]);
  const tickMs = random.pick([20, 30, 50]);
  const electionTicks = random.pick([4, 6, 8, 10]);
  const electionMs = tickMs * electionTicks;
  const voters = makeVoters(random, mood);
  const core = makeCore(random, mood, electionTicks);
  return {
    seed,
    mood,
    voters,
    spares: mood === 'membership' || mood === 'disks' ? random.whole(1, 3) : 0,
    tickMs,
    clockDriftMax: makeDrift(random, core),
    turnMsMax: random.pick([0, 0, 2]),
    faultEveryMs: electionMs * random.pick([0.7, 1.2, 2.5]),
    operationEveryMs: random.pick([20, 40, 80]),
    troubleMs: TROUBLE_MS,
    network: makeNetwork(random, tickMs, electionMs),
    storage: makeStorage(random, tickMs, electionMs, core),
    core,
  };
}

function makeVoters(random: Random, mood: Mood): number {
  // A committed entry that is overwritten (the paper, figure 8) takes five members.
  if (mood === 'churn') return random.pick([5, 5, 5, 3]);
  return random.weighted([
    [1, 1],
    [1, 2],
    [10, 3],
    [2, 4],
    [8, 5],
    [1, 7],
  ]);
}

/**
 * A clock at half the speed against one at double only works where many heartbeats fit in an election timeout, and where
 * the fast one can't put off the others' elections by its own.
 */
function makeDrift(random: Random, { preVote, electionTicks, heartbeatTicks, readOnlyOption }: CoreSettings): number {
  if (readOnlyOption === 'lease-based') return 0;
  const robust = preVote && electionTicks >= 8 && heartbeatTicks === 1;
  return robust && random.chance(0.3) ? 1 : random.pick([0, 0.05, 0.2]);
}

function makeNetwork(random: Random, tickMs: number, electionMs: number): NetworkSettings {
  const latencyMsMin = random.pick([0, 1, tickMs / 10]);
  return {
    latencyMsMin,
    latencyMsMax: latencyMsMin + random.pick([1, tickMs / 4, tickMs]),
    lossRate: random.pick([0, 0, 0.02, 0.1]),
    duplicateRate: random.pick([0, 0.02, 0.1]),
    stragglerRate: random.pick([0, 0.01, 0.05]),
    stragglerMsMax: electionMs * random.pick([1, 4]),
    reportsUnreachable: random.chance(0.5),
  };
}

function makeStorage(random: Random, tickMs: number, electionMs: number, core: CoreSettings): StorageSettings {
  // Applying may lag by an election; but entry by entry it would then never catch up.
  const lagging = core.committedSizePerReadyMax === UNLIMITED_BYTES ? electionMs : tickMs / 2;
  return {
    mode: random.chance(0.5) ? 'asynchronous' : 'synchronous',
    writeMsMax: random.pick([0.5, 3, tickMs]),
    tornWrites: random.chance(0.5),
    applyMsMax: random.pick([0, 0, tickMs / 2, lagging]),
    snapshotEveryEntries: random.pick([8, 25, 100, 10_000]),
    keepEntries: random.pick([0, 3, 20]),
  };
}

function makeCore(random: Random, mood: Mood, electionTicks: number): CoreSettings {
  // Removed members go on asking for votes; only with both of these do they not disturb.
  const guarded = mood === 'membership' || mood === 'disks' || random.chance(0.7);
  const checkQuorum = guarded || random.chance(0.3);
  return {
    electionTicks,
    heartbeatTicks: random.pick([1, 1, 2]),
    preVote: guarded || random.chance(0.5),
    checkQuorum,
    readOnlyOption: checkQuorum && random.chance(0.2) ? 'lease-based' : 'safe',
    // The driver always keeps it.
    keepPromise: checkQuorum && random.chance(0.7),
    disableProposalForwarding: random.chance(0.5),
    inflightMessagesMax: random.pick([1, 3, 256]),
    messageSizeMax: random.pick([1, 100, UNLIMITED_BYTES]),
    committedSizePerReadyMax: random.pick([60, 400, UNLIMITED_BYTES]),
    uncommittedSizeMax: random.pick([100, UNLIMITED_BYTES, UNLIMITED_BYTES]),
  };
}
