import type { Entry, Message, NodeId, RawNode, ReadState, Ready, Snapshot } from '../core/index.ts';
import type { AllChecks } from './checks/all-checks.ts';
import type { SimulatedDisk } from './disk.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Timeline } from './timeline.ts';

/** Where in the handling of a Ready a crash is to come. */
export type CrashPoint = 'storing' | 'stored' | 'sent' | 'applied';

export interface ProcessParts {
  readonly id: NodeId;
  readonly start: number;
  readonly disk: SimulatedDisk;
  readonly scenario: Scenario;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly checks: AllChecks;
  readonly send: (message: Message) => void;
  readonly crash: () => void;
  readonly applied: (entry: Entry) => void;
  readonly readable: (state: ReadState) => void;
  readonly trace: ((text: string) => void) | undefined;
}

/** How a Ready is stored, sent and applied. */
export interface ProcessStorage {
  handle(ready: Ready): void;
  /** What was being written at this moment is left to the disk, to keep some of it. */
  crash(): void;
  /** A snapshot from the leader is being put in force. */
  readonly installing: boolean;
  /** Entries wait in memory for room on the disk, and may have been applied already. */
  readonly holding: boolean;
}

/** What storage needs of the process that it works for. */
export interface StoredProcess {
  readonly parts: ProcessParts;
  readonly node: RawNode;
  readonly alive: boolean;
  readonly crashPoint: CrashPoint | undefined;
  send(message: Message): void;
  apply(entries: readonly Entry[]): void;
  restore(snapshot: Snapshot): void;
  input(action: (node: RawNode) => void): void;
  observed(action: () => void): void;
  turn(): void;
}
