import type { JointVoters } from './quorum/joint.ts';
import { jointCommitted } from './quorum/joint.ts';
import type { AckedIndexes } from './quorum/majority.ts';
import type { Message, NodeId } from './types.ts';

/** A read request that waits for proof that we still lead. */
export interface PendingRead {
  readonly request: Message;
  /** What was committed when it was asked: the read may be served once that is applied. */
  readonly index: number;
  readonly sequence: number;
}

const CONTEXT_BYTES = 8;
const HALF = 2 ** 32;

/**
 * Reads of a leader, in the order of their arrival (the dissertation, section 6.4). Each gets the next sequence
 * number, heartbeats carry the latest one, and an answer acknowledges all reads up to the number that it carries.
 * So the confirmed reads are found exactly as the committed index is: the largest number that a quorum acknowledged.
 * One lost heartbeat costs nothing, since the next one carries a number at least as large.
 */
export class ReadOnly implements AckedIndexes {
  private queue: PendingRead[] = [];
  private sequence = 0;
  private readonly acked = new Map<NodeId, number>();

  /** Forgets everything: the reads of an earlier term are the askers' to repeat. */
  reset(): void {
    this.queue = [];
    this.sequence = 0;
    this.acked.clear();
  }

  /** Gives the next round of heartbeats a number of its own, also without a read; `self` has heard it. */
  beginRound(self: NodeId): number {
    this.sequence++;
    this.acknowledgeSelf(self);
    return this.sequence;
  }

  /** The largest number that a quorum of `voters` has heard. */
  confirmed(voters: JointVoters): number {
    return jointCommitted(voters, this);
  }

  add(request: Message, index: number): void {
    this.sequence++;
    this.queue.push({ request, index, sequence: this.sequence });
  }

  get pending(): number {
    return this.queue.length;
  }

  hasPending(): boolean {
    return this.queue.length > 0;
  }

  /** What a heartbeat carries: the latest sequence number. */
  context(): Uint8Array {
    const bytes = new Uint8Array(CONTEXT_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, Math.floor(this.sequence / HALF));
    view.setUint32(4, this.sequence % HALF);
    return bytes;
  }

  ackedIndex(id: NodeId): number | undefined {
    return this.acked.get(id);
  }

  /** Notes that `id` heard us up to the number in `context`. */
  acknowledge(id: NodeId, context: Uint8Array): void {
    if (context.length !== CONTEXT_BYTES) return;
    const view = new DataView(context.buffer, context.byteOffset, CONTEXT_BYTES);
    const sequence = view.getUint32(0) * HALF + view.getUint32(4);
    if (sequence > this.sequence || sequence <= (this.acked.get(id) ?? 0)) return;
    this.acked.set(id, sequence);
  }

  /** We ourselves have heard everything that we asked for. */
  acknowledgeSelf(id: NodeId): void {
    this.acked.set(id, this.sequence);
  }

  /** Takes out all reads that a quorum of `voters` has confirmed. */
  takeConfirmed(voters: JointVoters): readonly PendingRead[] {
    const confirmed = jointCommitted(voters, this);
    let count = 0;
    while (count < this.queue.length && (this.queue[count] as PendingRead).sequence <= confirmed) count++;
    if (count === 0) return [];
    return this.queue.splice(0, count);
  }
}
