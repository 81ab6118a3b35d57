import { isOverdue } from '../model/drains.ts';
import type { JobRow, NodeRow } from '../model/entities.ts';
import { ALLOCATIONS_MAX } from '../state/limits.ts';
import type { InstanceSlot } from './job-slots.ts';
import { ATTEMPTS_MAX } from './limits.ts';
import type { NodeChoice, NodeChooser } from './node-choice.ts';
import type { PlanDraft } from './plan-draft.ts';
import { explainRefusals } from './refusals.ts';
import { chooseFor } from './replacement.ts';
import { rolloutShare, underWay } from './rollout.ts';

/** What is to be done now about an instance that has to go off a drained node. */
export type Move =
  | { readonly kind: 'place'; readonly slot: InstanceSlot; readonly choice: NodeChoice }
  | { readonly kind: 'stop'; readonly slot: InstanceSlot; readonly reason: string }
  /** `reason`: goes on after the instance's name. `stuck`: it waits for something that may never come. */
  | { readonly kind: 'wait'; readonly slot: InstanceSlot; readonly reason: string; readonly stuck: boolean };

interface MoveParts {
  readonly slots: readonly InstanceSlot[];
  readonly chooser: NodeChooser;
  /** Instances that this plan has placed already. */
  readonly placed: number;
}

/**
 * Goes through a job's instances on drained nodes, those that do not work first; whoever asks carries each move out
 * before the next one is judged.
 *
 * An instance of a service gets a replacement on another node, and is stopped once that is up; as many at a time as in
 * a rollout. One that must never be there twice (`onDisconnect` "stop") is stopped first. Instances of batch jobs may
 * run to their end. After the deadline all is stopped.
 */
export function* judgeMoves(draft: PlanDraft, job: JobRow, parts: MoveParts): Generator<Move, void, void> {
  const { slots } = parts;
  // Outdated instances of batch jobs all stop at once, wherever they are: that is the rollout's.
  const isOurs = ({ standing }: InstanceSlot) => job.spec.type !== 'batch' || standing !== 'outdated';
  const leaving = slots
    .filter((slot) => isMovable(slot) && isOurs(slot))
    .sort((one, other) => Number(one.up) - Number(other.up));
  if (leaving.length === 0) return;
  const judge = new MoveJudge(draft, job, parts);
  for (const slot of leaving) yield judge.next(slot);
}

/** Carries the moves out; returns how many instances began to move, `undefined` if the plan became full. */
export function planMoves(draft: PlanDraft, job: JobRow, parts: MoveParts): number | undefined {
  let begun = 0;
  for (const move of judgeMoves(draft, job, parts)) {
    if (move.kind === 'wait') continue;
    if (draft.full) return undefined;
    begun += 1;
    carryOut(draft, job, parts.chooser, move);
  }
  return begun;
}

export function carryOut(
  draft: PlanDraft,
  job: JobRow,
  chooser: NodeChooser,
  move: Exclude<Move, { kind: 'wait' }>,
): void {
  const { active, instance } = move.slot;
  if (move.kind === 'place') {
    draft.place(job, instance, move.choice);
    chooser.taken(move.choice);
  } else if (active !== undefined) draft.stop(active, move.reason);
}

/** Whether it still has to be told to go. */
function isMovable({ leaving, active }: InstanceSlot): boolean {
  return leaving && active?.desired === 'run';
}

class MoveJudge {
  readonly #draft: PlanDraft;
  readonly #job: JobRow;
  readonly #parts: MoveParts;
  readonly #rolloutFails: boolean;
  #allowed: number;
  /** Why the ones before found no node: the instances of a job all ask for the same. */
  #noRoom: string | undefined;

  constructor(draft: PlanDraft, job: JobRow, parts: MoveParts) {
    const { slots, placed } = parts;
    this.#draft = draft;
    this.#job = job;
    this.#parts = parts;
    this.#rolloutFails = slots.some(({ standing }) => standing === 'given-up');
    this.#allowed = rolloutShare(slots);
    if (this.#stopsFirst) this.#allowed -= placed + underWay(slots.filter((slot) => !isMovable(slot)));
    else this.#allowed -= slots.filter(({ replacement }) => replacement !== undefined).length;
  }

  /** Two at a time, for as long as the new one needs to come up, would be what the job does not allow. */
  get #stopsFirst(): boolean {
    return this.#job.spec.onDisconnect === 'stop';
  }

  next(slot: InstanceSlot): Move {
    const node = this.#draft.state.nodes.get(slot.active?.nodeId ?? '');
    if (isOverdue(node?.drain)) {
      return { kind: 'stop', slot, reason: `node "${node?.name}" is drained, and the time for that is over` };
    }
    const obstacle = this.#obstacle(slot, node);
    if (obstacle !== undefined) return { kind: 'wait', slot, ...obstacle };
    const choice = this.#noRoom === undefined ? chooseFor(slot, this.#parts.chooser) : undefined;
    if (choice === undefined) {
      this.#noRoom ??= this.#explain(node);
      return { kind: 'wait', slot, reason: `finds no room elsewhere: ${this.#noRoom}`, stuck: true };
    }
    if (this.#allowed <= 0) return { kind: 'wait', slot, reason: this.#turn(), stuck: false };
    this.#allowed -= 1;
    if (this.#stopsFirst) return { kind: 'stop', slot, reason: `node "${node?.name}" is drained` };
    return { kind: 'place', slot, choice };
  }

  /** What keeps it where it is, whatever room there is elsewhere. */
  #obstacle(slot: InstanceSlot, node: NodeRow | undefined): { reason: string; stuck: boolean } | undefined {
    const { spec, version } = this.#job;
    if (spec.type === 'batch') {
      const until = node?.drain?.remainingMs === undefined ? '' : ', or to the deadline';
      return { reason: `runs to its end${until}`, stuck: false };
    }
    if (slot.replacement !== undefined) {
      const { nodeId, state, desired } = slot.replacement;
      const where = this.#draft.state.nodes.get(nodeId)?.name ?? nodeId;
      if (desired === 'stop')
        return { reason: `waits until its former replacement on "${where}" has ended`, stuck: false };
      return { reason: `goes once its replacement on "${where}" is healthy; that is ${state}`, stuck: false };
    }
    if (slot.standing === 'outdated' && this.#rolloutFails) {
      return { reason: `stays, since version ${version}, which would replace it, fails`, stuck: true };
    }
    const { failures } = slot;
    if (failures.length >= ATTEMPTS_MAX[spec.type]) {
      const last = failures[0]?.message ?? '';
      const why = last === '' ? '' : `, the last time: ${last}`;
      return { reason: `stays, since its replacement failed ${failures.length} times in a row${why}`, stuck: true };
    }
    if (this.#draft.fleetFull)
      return { reason: `stays, since the fleet has ${ALLOCATIONS_MAX} allocations`, stuck: true };
    return undefined;
  }

  #turn(): string {
    return this.#stopsFirst ? 'waits until other instances of the job are healthy' : 'waits for its turn';
  }

  #explain(node: NodeRow | undefined): string {
    const { state, rooms } = this.#draft;
    const others = [...state.nodes.values()].filter(({ id }) => id !== node?.id);
    if (others.length === 0) return 'there is no other node';
    return explainRefusals(others, rooms, this.#job.spec).reasons[0]?.reason ?? 'no other node fits';
  }
}
