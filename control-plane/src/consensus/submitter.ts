import type { Driver } from '@cell/raft';
import { CellError } from '../cell-error.ts';
import type { Clock } from '../ports.ts';
import type { Command, CommandResult } from '../state/commands.ts';
import { checkCommand, decodeCommand, encodeCommand } from '../state/format/command-codec.ts';
import { StateError } from '../state/state-error.ts';
import type { ForwardOutcome } from './forward-outcome.ts';
import { FORWARD_COMMANDS_MAX, type Forwarder } from './forwarder.ts';
import { LEADERLESS_MS_MAX, type LeadershipTracker } from './leadership-tracker.ts';
import type { GrpcPeers } from './peers/grpc-peers.ts';
import { noLeader, outcomeUnknown, proposalError } from './raft-error.ts';

/** Bytes of one command in the log. */
export const COMMAND_BYTES_MAX = 2 * 1024 * 1024;

/** Commands that wait here for their outcome, and their bytes: here, on their way to the leader, or in its log. */
const PENDING_MAX = 10_000;
export const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** Pause before a leader is looked for again; a change of leadership ends it early. */
const RETRY_MS = 20;

export interface SubmitterParts {
  readonly driver: Pick<Driver, 'propose'>;
  readonly peers: Pick<GrpcPeers, 'connected'>;
  readonly forwarder: Pick<Forwarder, 'forward'>;
  readonly leadership: LeadershipTracker;
  readonly clock: Clock;
  /** Unlike that of any other member, and of any other start of this one. */
  readonly origin: string;
  /** Told of every outcome: 'applied', or the error's code. */
  readonly onOutcome: (outcome: 'applied' | CellError['code']) => void;
}

interface Written {
  readonly index: number;
  readonly result: CommandResult;
}

/**
 * Brings commands to the leader, wherever it is. A command is sent again only if it is certain that it was not written;
 * otherwise the caller is told that nobody knows.
 */
export class Submitter {
  readonly #parts: SubmitterParts;
  #pending = 0;
  #pendingBytes = 0;
  #submitted = 0;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
  }

  submit(command: Command, timeoutMs: number): Promise<CommandResult> {
    this.#submitted += 1;
    const stamp = `${this.#parts.origin}.${this.#submitted}`;
    return this.#counted(command, stamp, (bytes) => this.#submit(bytes, timeoutMs));
  }

  propose(command: Command): Promise<CommandResult> {
    return this.#counted(command, undefined, async (bytes) => (await this.#propose(bytes)).result);
  }

  /**
   * Has commands that a peer passed on committed, if this member leads in that very term: see `Forwarder`. Rejects with
   * `CELL_E_NOT_LEADER`, and then none was written.
   */
  async proposeForwarded(term: number, commands: readonly Uint8Array[]): Promise<readonly ForwardOutcome[]> {
    const { leading, term: termNow } = this.#parts.leadership.current;
    if (!leading || term !== termNow) {
      throw new CellError('CELL_E_NOT_LEADER', `This member does not lead in term ${term}; nothing was written`);
    }
    if (commands.length > FORWARD_COMMANDS_MAX) {
      throw new CellError(
        'CELL_E_LIMIT',
        `${commands.length} changes came at once; ${FORWARD_COMMANDS_MAX} at most may`,
      );
    }
    return Promise.all(commands.map((bytes) => this.#proposeForwarded(bytes)));
  }

  async #proposeForwarded(bytes: Uint8Array): Promise<ForwardOutcome> {
    try {
      check(bytes);
      const { index, result } = await this.#propose(bytes);
      return { index, result: Buffer.from(JSON.stringify(result)) };
    } catch (error) {
      const { code, message } = proposalError(error);
      return { code, message };
    }
  }

  async #propose(bytes: Uint8Array): Promise<Written> {
    try {
      const { index, result } = await this.#parts.driver.propose(bytes);
      return { index, result: result as CommandResult };
    } catch (error) {
      throw proposalError(error);
    }
  }

  /** Commands and bytes that wait for their outcome. */
  get pending(): { readonly commands: number; readonly bytes: number } {
    return { commands: this.#pending, bytes: this.#pendingBytes };
  }

  async #counted(
    command: Command,
    stamp: string | undefined,
    work: (bytes: Uint8Array) => Promise<CommandResult>,
  ): Promise<CommandResult> {
    this.#pending += 1;
    let countedBytes = 0;
    try {
      if (this.#pending > PENDING_MAX) {
        throw new CellError('CELL_E_OVERLOADED', `Already ${PENDING_MAX} changes wait to be written; try again later`);
      }
      const bytes = encode(command, stamp);
      if (this.#pendingBytes + bytes.length > PENDING_BYTES_MAX) {
        const message = `Already ${this.#pendingBytes} bytes of changes wait to be written; try again later`;
        throw new CellError('CELL_E_OVERLOADED', message);
      }
      countedBytes = bytes.length;
      this.#pendingBytes += countedBytes;
      const result = await work(bytes);
      this.#parts.onOutcome('applied');
      return result;
    } catch (error) {
      this.#parts.onOutcome(error instanceof CellError ? error.code : 'CELL_E_INTERNAL');
      throw error;
    } finally {
      this.#pending -= 1;
      this.#pendingBytes -= countedBytes;
    }
  }

  async #submit(bytes: Uint8Array, timeoutMs: number): Promise<CommandResult> {
    const { clock, leadership } = this.#parts;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let lastRefusal: unknown;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) throw noLeader(timeoutMs, lastRefusal);
      const waitMs = Math.min(leftMs, LEADERLESS_MS_MAX);
      if (!(await leadership.known(clock, waitMs))) throw noLeader(waitMs, lastRefusal);
      try {
        const result = await this.#attempt(bytes, leftMs);
        if (result !== undefined) return result;
      } catch (error) {
        if (!(error instanceof CellError) || error.code !== 'CELL_E_NOT_LEADER') throw error;
        lastRefusal = error;
      }
      await this.#leadershipMayHaveChanged(Math.min(RETRY_MS, leftMs));
    }
  }

  /** Undefined if there was nobody to send it to. */
  async #attempt(bytes: Uint8Array, leftMs: number): Promise<CommandResult | undefined> {
    const { leadership, peers, forwarder } = this.#parts;
    const { leaderId, leading } = leadership.current;
    if (leading) return (await this.#within(leftMs, this.#propose(bytes))).result;
    if (leaderId === 0 || !peers.connected(leaderId)) return undefined;
    return forwarder.forward(bytes, leftMs);
  }

  /** A proposal of our own can't be taken back: after the time-out it may still be committed. */
  #within(timeoutMs: number, work: Promise<Written>): Promise<Written> {
    return new Promise((resolve, reject) => {
      const stop = this.#parts.clock.after(timeoutMs, () => {
        reject(outcomeUnknown(`it was not committed within ${Math.round(timeoutMs)} ms`));
      });
      work.then(resolve, reject).finally(stop);
    });
  }

  #leadershipMayHaveChanged(timeoutMs: number): Promise<void> {
    const { leadership, clock } = this.#parts;
    return new Promise((resolve) => {
      const done = () => {
        stop();
        unlisten();
        resolve();
      };
      const stop = clock.after(timeoutMs, done);
      const unlisten = leadership.listen(done);
    });
  }
}

function encode(command: Command, stamp?: string): Uint8Array {
  readable(() => checkCommand(command));
  const bytes = encodeCommand(command, stamp);
  if (bytes.length > COMMAND_BYTES_MAX) throw tooLarge(bytes.length);
  return bytes;
}

function check(bytes: Uint8Array): void {
  if (bytes.length > COMMAND_BYTES_MAX) throw tooLarge(bytes.length);
  readable(() => decodeCommand(bytes));
}

/** What can't be read would end every member that applies it, again at each start: it must not get into the log. */
function readable(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new CellError('CELL_E_INVALID', `Change can't be written: ${error.message}`, { cause: error });
  }
}

function tooLarge(bytes: number): CellError {
  return new CellError(
    'CELL_E_LIMIT',
    `Change of ${bytes} bytes is above the limit of ${COMMAND_BYTES_MAX}; make it smaller`,
  );
}
