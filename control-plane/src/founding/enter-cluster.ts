import { withoutTimes } from '@cell/identity';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { KnownMember } from '../consensus/peers/member-directory.ts';
import type { Clock, MemberAddress } from '../ports.ts';
import type { MemberCalls } from './ask-members.ts';
import { type FoundingStep, foundersText, nextStep, takeAdmission, takeFounding } from './founding-steps.ts';
import type { IdentityStore } from './identity-store.ts';
import type { MemberIdentity } from './member-identity.ts';

/** Pause between two rounds of asking. */
const ROUND_MS = 250;

/** What is waited for is said again after so long, even if nothing changed. */
const REMIND_MS = 10_000;

export interface EnteringParts {
  readonly store: IdentityStore;
  /** From the configuration, this member included. */
  readonly configured: readonly MemberAddress[];
  readonly calls: Pick<MemberCalls, 'introduce' | 'tell'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** A new cluster's id. */
  readonly makeClusterId: () => string;
  /** Told what is being waited for, for people. */
  readonly waiting: (reason: string) => void;
  /** Aborted when the member is to end. */
  readonly signal: AbortSignal;
}

/**
 * Resolves once the member is in a cluster, which is stored then: one that it is in already, one that it founds with
 * the others, or one that it is let into. Waits for the other members as long as it takes. Rejects with
 * `CELL_E_DATA_LOST` or `CELL_E_REMOVED` if it may never come with this data folder, and with `CELL_E_STOPPED`.
 */
export async function enterCluster(parts: EnteringParts): Promise<MemberIdentity> {
  const { store, configured, calls } = parts;
  const reminder = new Reminder(parts);
  for (;;) {
    const own = store.identity;
    if (own.clusterId !== '') return own;
    if (parts.signal.aborted)
      throw new CellError('CELL_E_STOPPED', 'Member was told to end before it was in a cluster');
    const { memberId, incarnation, cluster } = own;
    const introduction = { memberId, incarnation, cluster, founders: foundersText(configured) };
    const others = configured.filter(({ id }) => id !== memberId);
    const asked = await Promise.all(others.map((other) => calls.introduce(other, introduction)));
    const step = nextStep(own, configured, asked);
    await carryOut(parts, step);
    if (step.kind !== 'wait' || store.identity.clusterId !== '') continue;
    reminder.say(step.reason);
    await pause(parts);
  }
}

async function carryOut(parts: EnteringParts, step: FoundingStep): Promise<void> {
  const { store, log } = parts;
  if (step.kind === 'end') throw step.error;
  if (step.kind === 'join') {
    const { clusterId } = await store.update((own) => takeAdmission(own, step));
    log.info({ clusterId }, `Was let into cluster "${clusterId}"`);
  } else if (step.kind === 'found') await found(parts, step.members);
}

/** Whoever is not reached now is told when it introduces itself to one that knows. */
async function found(parts: EnteringParts, members: readonly KnownMember[]): Promise<void> {
  const { store, configured, calls, log } = parts;
  const { cluster, memberId } = store.identity;
  const founding = { clusterId: parts.makeClusterId(), cluster, members };
  const own = await store.update((before) => {
    // One that knows may have told this member meanwhile.
    return before.clusterId === '' ? takeFounding(before, configured, founding) : before;
  });
  if (own.clusterId !== founding.clusterId) return;
  const named = members.map(({ id }) => id).join(', ');
  log.info(
    { clusterId: own.clusterId },
    `Founded cluster "${cluster}" with the id "${own.clusterId}" of members ${named}`,
  );
  const others = members.filter(({ id }) => id !== memberId);
  const told = await Promise.allSettled(others.map((other) => calls.tell(other, founding)));
  for (const [place, outcome] of told.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const { id } = others[place]!;
    log.warn({ peer: id, err: outcome.reason }, `Member ${id} does not know yet that the cluster is founded`);
  }
}

/** Says what is waited for when it changes, and now and then. */
class Reminder {
  readonly #parts: EnteringParts;
  #reason = '';
  #saidMs = 0;

  constructor(parts: EnteringParts) {
    this.#parts = parts;
  }

  say(reason: string): void {
    const { log, clock, waiting } = this.#parts;
    waiting(reason);
    const nowMs = clock.monotonicMs();
    if (withoutTimes(reason) === this.#reason && nowMs - this.#saidMs < REMIND_MS) return;
    // What tells the time changes with each round.
    this.#reason = withoutTimes(reason);
    this.#saidMs = nowMs;
    log.info(reason);
  }
}

function pause({ clock, signal }: EnteringParts): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = clock.after(ROUND_MS, done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
