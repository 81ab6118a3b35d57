import type { JobRow, PlacementFailure, RefusalReason } from '../model/entities.ts';
import { ALLOCATIONS_MAX } from '../state/limits.ts';
import type { InstanceSlot } from './job-slots.ts';
import { REASONS_MAX } from './limits.ts';
import type { PlanDraft } from './plan-draft.ts';
import { explainRefusals } from './refusals.ts';

/** Collects why instances of one job have no node in its newest version. */
export class UnplacedReport {
  readonly #draft: PlanDraft;
  readonly #job: JobRow;
  readonly #withoutNode: InstanceSlot[] = [];
  #withoutPlace: InstanceSlot | undefined;
  readonly #gaveUp: InstanceSlot[] = [];
  #beyondLimit = 0;
  #rolloutLeft = 0;

  constructor(draft: PlanDraft, job: JobRow) {
    this.#draft = draft;
    this.#job = job;
  }

  noNode(slot: InstanceSlot): void {
    this.#withoutNode.push(slot);
  }

  /** The instance runs on in an older version, since the newest would fit nowhere even without it. */
  noPlaceFor(slot: InstanceSlot): void {
    this.#withoutPlace ??= slot;
  }

  gaveUp(slot: InstanceSlot): void {
    this.#gaveUp.push(slot);
  }

  fleetFull(): void {
    this.#beyondLimit += 1;
  }

  rolloutStopped(left: number): void {
    this.#rolloutLeft = left;
  }

  failure(): PlacementFailure | undefined {
    const unfit = this.#withoutNode.length + (this.#withoutPlace === undefined ? 0 : 1);
    const count = unfit + this.#gaveUp.length + this.#beyondLimit;
    if (count === 0) return undefined;
    const explanation = unfit === 0 ? undefined : this.#explain();
    const reasons: RefusalReason[] = [...this.#jobReasons(), ...(explanation?.reasons ?? [])];
    return { count, reasons: reasons.slice(0, REASONS_MAX), hint: this.#hint(explanation?.hint) };
  }

  #explain() {
    const { state, rooms } = this.#draft;
    const { spec } = this.#job;
    if (spec.type === 'system') {
      const slots = [...this.#withoutNode, ...(this.#withoutPlace === undefined ? [] : [this.#withoutPlace])];
      const nodes = slots.map(({ nodeId }) => state.nodes.get(nodeId ?? '')).filter((node) => node !== undefined);
      return explainRefusals(nodes, rooms, spec);
    }
    const active = this.#withoutNode.length === 0 ? this.#withoutPlace?.active : undefined;
    const room = active === undefined ? undefined : rooms.ofNode(active.nodeId);
    if (active === undefined || room === undefined) return explainRefusals(state.nodes.values(), rooms, spec);
    room.release(active);
    try {
      return explainRefusals(state.nodes.values(), rooms, spec);
    } finally {
      room.restore(active);
    }
  }

  #jobReasons(): RefusalReason[] {
    const reasons: RefusalReason[] = [];
    const { version } = this.#job;
    const [first] = this.#gaveUp;
    if (first !== undefined) {
      const who = this.#gaveUp.length === 1 ? `instance ${first.instance}` : `${this.#gaveUp.length} instances`;
      const last = first.failures[0]?.message ?? '';
      const why = last === '' ? '' : `, the last time: ${last}`;
      reasons.push({
        reason: `${who} failed ${first.failures.length} times in a row in version ${version}${why}`,
        nodes: 0,
      });
    }
    if (this.#rolloutLeft > 0) {
      const left = `${this.#rolloutLeft} ${this.#rolloutLeft === 1 ? 'instance runs' : 'instances run'}`;
      reasons.push({ reason: `the rollout of version ${version} stopped; ${left} on in an older version`, nodes: 0 });
    }
    if (this.#withoutPlace !== undefined) {
      const { instance, active } = this.#withoutPlace;
      const older = active === undefined ? '' : ` of version ${active.jobVersion}`;
      const reason = `version ${version} fits nowhere, also not in place of instance ${instance}${older}, which runs on`;
      reasons.push({ reason, nodes: 0 });
    }
    if (this.#beyondLimit > 0) {
      reasons.push({ reason: `the fleet has ${ALLOCATIONS_MAX} allocations, and no more are allowed`, nodes: 0 });
    }
    return reasons;
  }

  #hint(placing: string | undefined): string {
    const failed = this.#gaveUp[0]?.failures[0];
    if (failed !== undefined) return `read "cellctl allocation logs ${failed.id}", then run the corrected job`;
    if (placing !== undefined) return placing;
    return 'stop jobs that have ended, so that their allocations are forgotten';
  }
}
