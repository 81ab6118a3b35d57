/**
 * Runs on the leader: while an authority is being replaced, ends the trust in it once nobody needs it any more.
 *
 * Every certificate that was issued by it has ended a lifetime after another one took over; by differing clocks a little
 * later, unless all nodes that are there have renewed. Either way every member must have the new one: a member that was away would trust
 * nobody who calls it, and nobody would trust its certificate.
 */
import type { Logger } from 'pino';
import { presentMembers } from '../model/members.ts';
import type { Clock, Consensus, Peers } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';

export interface AuthorityRotationParts {
  readonly consensus: Consensus;
  readonly peers: Pick<Peers, 'member'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long certificates live, in milliseconds. */
  readonly certificateLifetimeMs: number;
}

const checkPeriodMs = 5_000;
const askTimeoutMs = 2_000;
/** By which clocks may differ. */
export const SKEW_MS_MAX = 5 * 60_000;
/**
 * Id of the authority to retire now, if there is one: the oldest. It stays for a lifetime of certificates at least: for
 * machines that are off for a night, and for people, whose tokens pin it and have to be made anew meanwhile. Pure.
 */
export function authorityToRetire(
  { authorities, nodes, nodeIdentities }: Pick<FleetState, 'authorities' | 'nodes' | 'nodeIdentities'>,
  nowMs: number,
  lifetimeMs: number,
): string | undefined {
  const [oldest, next] = authorities;
  if (oldest === undefined || next === undefined) return undefined;
  const replacedForMs = nowMs - next.createdAtMs;
  if (replacedForMs >= lifetimeMs + SKEW_MS_MAX) return oldest.id;
  if (replacedForMs < lifetimeMs) return undefined;
  for (const { nodeId, authorityId, revokedAtMs, certificateExpiresAtMs } of nodeIdentities.values()) {
    if (authorityId !== oldest.id || revokedAtMs !== undefined || certificateExpiresAtMs <= nowMs) continue;
    // One that has joined and not come yet is on its way.
    if (nodes.get(nodeId)?.status !== 'lost') return undefined;
  }
  return oldest.id;
}

export class AuthorityRotation {
  readonly #parts: AuthorityRotationParts;
  #stopChecks: (() => void) | undefined;
  #checking = false;
  /** The authority that all members had at the check before: by now they have it on their disks too. */
  #hadByAll: string | undefined;

  constructor(parts: AuthorityRotationParts) {
    this.#parts = parts;
  }

  /** This member leads. */
  start(): void {
    this.stop();
    this.#stopChecks = this.#parts.clock.every(checkPeriodMs, () => void this.#check());
  }

  stop(): void {
    this.#stopChecks?.();
    this.#stopChecks = undefined;
    this.#hadByAll = undefined;
  }

  /** What fails is tried again at the next check. */
  async #check(): Promise<void> {
    const { consensus, clock, log, certificateLifetimeMs } = this.#parts;
    const due = () => authorityToRetire(consensus.state, clock.wallMs(), certificateLifetimeMs);
    // Before that, nobody needs to be asked how far he is.
    if (this.#checking || due() === undefined) return;
    this.#checking = true;
    try {
      if (!(await this.#allHaveIt()) || this.#stopChecks === undefined) return;
      const id = due();
      if (id === undefined) return;
      const result = await consensus.propose({ kind: 'retire-authority', timeMs: clock.wallMs(), id });
      if (result.ok) log.info({ authority: id }, `Authority "${id}" was retired: nobody needs it any more`);
    } catch (error) {
      log.info({ err: error }, 'The authority that was replaced was not retired; trying again');
    } finally {
      this.#checking = false;
    }
  }

  /** Whether all members have applied that the newest authority issues, now and at the check before. */
  async #allHaveIt(): Promise<boolean> {
    const { consensus, peers } = this.#parts;
    const issuing = consensus.state.authorities.at(-1)!;
    const ids = presentMembers(consensus.state.members).map(({ id }) => id);
    const applied = await Promise.all(
      ids.map((id) => {
        return peers.member(id, askTimeoutMs).then(
          ({ appliedIndex }) => appliedIndex,
          () => 0,
        );
      }),
    );
    const all = applied.every((index) => index >= issuing.modifyIndex);
    const before = this.#hadByAll;
    this.#hadByAll = all ? issuing.id : undefined;
    return all && before === issuing.id;
  }
}
