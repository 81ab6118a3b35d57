import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { AgentError } from '../agent-error.ts';
import type { AllocationRecord, DesiredAllocation } from '../reconcile/model.ts';
import { lockFolder } from './folder-lock.ts';
import { readStored, removeStored, writeStored } from './stored-file.ts';

/** What names this node, and which desired state it has. */
export interface NodeState {
  /** Made at the first start. */
  readonly nodeId: string;
  /** Empty before the first session. */
  readonly clusterId: string;
  /** Raft index of the desired state; 0 for none. */
  readonly generation: number;
}

/** One allocation as it is kept. */
export interface StoredAllocation {
  readonly desired: DesiredAllocation;
  /** The control plane does not name it any more. */
  readonly released: boolean;
  readonly record: AllocationRecord;
  /** When it reached its final state, milliseconds since 1970; null before. */
  readonly endedAtMs: number | null;
}

/** When the lease was confirmed last, on the machine's monotonic clock. */
export interface StoredLease {
  readonly bootId: string;
  readonly sentAtMs: number;
  readonly leaseMs: number;
}

const FILE = /^([0-9A-Za-z][0-9A-Za-z_-]{0,63})\.json$/;
const ADVICE_NODE = 'restore it, or move the data folder away: this node then joins anew, and stops what it runs';
const ADVICE_ALLOCATION = 'move it away: the control plane sends it again, and what runs of it is stopped';

/** What the agent keeps on disk, so that its restart changes nothing for its workloads. */
export class AgentStore {
  readonly #folder: string;
  readonly #unlock: () => Promise<void>;
  /** Writes of one file must not overtake each other. */
  readonly #writes = new Map<string, Promise<void>>();
  #node: NodeState;

  /** Opens the folder, and makes it if it is missing. Rejects with `AgentError` if it is damaged, in use or unusable. */
  static async open(folder: string): Promise<AgentStore> {
    const unlock = await prepare(folder);
    try {
      const stored = await readStored(join(folder, 'state', 'node.json'), ADVICE_NODE);
      const node = (stored as NodeState | undefined) ?? { nodeId: randomUUID(), clusterId: '', generation: 0 };
      const store = new AgentStore(folder, unlock, node);
      if (stored === undefined) await store.saveNode(node);
      return store;
    } catch (error) {
      await unlock();
      throw unusable(folder, error);
    }
  }

  private constructor(folder: string, unlock: () => Promise<void>, node: NodeState) {
    this.#folder = join(folder, 'state');
    this.#unlock = unlock;
    this.#node = node;
  }

  get node(): NodeState {
    return this.#node;
  }

  /** For when the disk can't take what belongs to the generation. */
  noteGeneration(generation: number): void {
    this.#node = { ...this.#node, generation };
  }

  async saveNode(node: NodeState): Promise<void> {
    this.#node = node;
    await this.#inOrder('node.json', (path) => writeStored(path, node));
  }

  async loadAllocations(): Promise<StoredAllocation[]> {
    const names = (await readdir(join(this.#folder, 'allocations'))).filter((name) => FILE.test(name));
    const stored = names.map((name) => readStored(join(this.#folder, 'allocations', name), ADVICE_ALLOCATION));
    return (await Promise.all(stored)) as StoredAllocation[];
  }

  async saveAllocation(allocation: StoredAllocation): Promise<void> {
    await this.#inOrder(join('allocations', `${allocation.desired.id}.json`), (path) => writeStored(path, allocation));
  }

  async removeAllocation(id: string): Promise<void> {
    await this.#inOrder(join('allocations', `${id}.json`), removeStored);
  }

  async loadLease(): Promise<StoredLease | undefined> {
    // It only has to outlive the agent, not the machine; one that can't be read is none.
    return (await readStored(join(this.#folder, 'lease.json'), '').catch(() => undefined)) as StoredLease | undefined;
  }

  async saveLease(lease: StoredLease): Promise<void> {
    await this.#inOrder('lease.json', (path) => writeStored(path, lease, { synced: false }));
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    await this.#unlock();
  }

  async #inOrder(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const before = this.#writes.get(name) ?? Promise.resolve();
    const own = before.catch(() => undefined).then(() => write(join(this.#folder, name)));
    this.#writes.set(name, own);
    try {
      await own;
    } finally {
      if (this.#writes.get(name) === own) this.#writes.delete(name);
    }
  }
}

async function prepare(folder: string): Promise<() => Promise<void>> {
  try {
    // Root's commands may run as other users, who pass through to their own folders.
    makeFolder(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    makeFolder(join(folder, 'state', 'allocations'), 0o700);
    return await lockFolder(folder);
  } catch (error) {
    throw unusable(folder, error);
  }
}

function unusable(folder: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const message = `Could not use the data folder "${folder}": ${(error as Error).message}; make room, or set another "data"`;
  return new AgentError('CELL_E_DATA_UNUSABLE', message, { cause: error });
}
