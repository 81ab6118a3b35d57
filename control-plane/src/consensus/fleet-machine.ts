import { setImmediate } from 'node:timers/promises';
import type { ConfState, Entry, SnapshotMeta, StateMachine } from '@cell/raft';
import { applyCommand } from '../state/apply/apply-command.ts';
import type { Command, CommandResult, UnknownCommand } from '../state/commands.ts';
import type { FleetState, StateChange } from '../state/fleet-state.ts';
import { FleetTables } from '../state/fleet-tables.ts';
import { decodeCommand } from '../state/format/command-codec.ts';
import { restoreTables } from '../state/format/restore-tables.ts';
import { captureTables } from '../state/format/snapshot.ts';
import { mergeChanges } from './merge-changes.ts';

export interface FleetMachineParts {
  /** A batch was applied; or a snapshot replaced the state. */
  readonly changed: (change: StateChange | 'replaced') => void;
  /** One command was applied. Called inside the apply. */
  readonly applied: (command: Uint8Array, result: CommandResult) => void;
}

/** Fits the fleet's tables to Raft, and tells what a batch changed once it is applied. */
export class FleetMachine implements StateMachine {
  readonly #tables = new FleetTables();
  readonly #parts: FleetMachineParts;

  constructor(parts: FleetMachineParts) {
    this.#parts = parts;
  }

  /** The same object for ever. */
  get state(): FleetState {
    return this.#tables;
  }

  apply(entries: readonly Entry[]): readonly unknown[] {
    const changes: StateChange[] = [];
    const results = entries.map((entry) => {
      // A new leader's first entry is empty.
      if (entry.data.length === 0) return undefined;
      const { result, change } = applyCommand(this.#tables, decodeCommand(entry.data), entry.index);
      changes.push(change);
      this.#parts.applied(entry.data, result);
      return result;
    });
    if (changes.length > 0) this.#parts.changed(mergeChanges(changes));
    return results;
  }

  /**
   * A change of membership came into force, or did not if it could not be made any more: then its command is left out
   * too. 'as-wanted': nobody knows any more, and it is taken to have come into force.
   */
  applyMembership(conf: ConfState | 'as-wanted', index: number, context: Uint8Array): void {
    if (context.length === 0) return;
    const command = decodeCommand(context);
    if (conf !== 'as-wanted' && !inForce(conf, command)) return;
    const { change } = applyCommand(this.#tables, command, index);
    this.#parts.changed(change);
  }

  capture(): AsyncIterable<Uint8Array> {
    return slices(captureTables(this.#tables));
  }

  async restore(_meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void> {
    this.#tables.adopt(await restoreTables(data));
    this.#parts.changed('replaced');
  }
}

function inForce({ voters, learners, votersOutgoing }: ConfState, command: Command | UnknownCommand): boolean {
  if (command.kind === 'invite-member') return learners.includes(command.id);
  if (command.kind === 'note-promotion') return voters.includes(command.id);
  return command.kind === 'remove-member' && ![...voters, ...learners, ...votersOutgoing].includes(command.id);
}

/** A turn of the event loop between two slices, so that a large state never holds up heartbeats. */
async function* slices(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
}
