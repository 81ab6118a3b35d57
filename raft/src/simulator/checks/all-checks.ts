import type { ConfState, Entry, Message, NodeId } from '../../core/index.ts';
import { BegunTerms } from './begun-terms.ts';
import type { Check, DurableView, EntryLogView, LogView, MemberView, Verdict } from './check.ts';
import { CommittedEntries } from './committed-entries.ts';
import { ElectionSafety } from './election-safety.ts';
import { FreshReads } from './fresh-reads.ts';
import { KeptPromises } from './kept-promises.ts';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { LogMatching } from './log-matching.ts';
import { MessageSize } from './message-size.ts';
import { MonotonicCommit } from './monotonic-commit.ts';
import { OverlappingMemberships } from './overlapping-memberships.ts';
import { QuorumCommit } from './quorum-commit.ts';
import { QuorumElection } from './quorum-election.ts';
import { RestoredMembership } from './restored-membership.ts';
import { StateMachineSafety } from './state-machine-safety.ts';
import { ViolationError } from './violation-error.ts';

export interface ChecksParts {
  readonly logOf: (member: MemberView) => EntryLogView;
  readonly durableOf: (id: NodeId) => LogView | undefined;
  readonly readValue: (entry: Entry) => number | undefined;
  /** The index at which all members begin. */
  readonly startIndex: number;
  /** Bytes of entries in an append message. */
  readonly messageSizeMax: number;
}

/** Passes on what happens to every check; the first that objects ends it with a ViolationError. */
export class AllChecks {
  readonly committedEntries = new CommittedEntries();
  readonly #reads = new FreshReads();
  readonly #stepped: readonly Check[];
  readonly #logged: readonly Check[];
  readonly #committed: readonly Check[];
  readonly #sent: readonly Check[];
  readonly #reconfigured: readonly Check[];
  readonly #applied: readonly Check[];
  readonly #installed: readonly Check[];
  readonly #restored: readonly Check[];

  constructor({ logOf, durableOf, readValue, startIndex, messageSizeMax }: ChecksParts) {
    const checks: readonly Check[] = [
      new ElectionSafety(),
      new BegunTerms(),
      new QuorumElection(logOf),
      new MonotonicCommit(),
      new KeptPromises(),
      new MessageSize(messageSizeMax),
      new LeaderAppendOnly(),
      new LogMatching(),
      new QuorumCommit(durableOf),
      new OverlappingMemberships(logOf),
      new RestoredMembership(),
      new LeaderCompleteness(this.committedEntries, logOf),
      new StateMachineSafety(startIndex, readValue),
    ];
    const having = (method: keyof Check) => checks.filter((check) => check[method] !== undefined);
    this.#stepped = having('stepped');
    this.#logged = having('logged');
    this.#committed = having('committed');
    this.#sent = having('sent');
    this.#reconfigured = having('reconfigured');
    this.#applied = having('applied');
    this.#installed = having('installed');
    this.#restored = having('restored');
  }

  stepped(before: MemberView | undefined, after: MemberView): void {
    for (const check of this.#stepped) judge(check, check.stepped?.(before, after));
  }

  logged(member: MemberView, entries: readonly Entry[], previousTerm: number | undefined): void {
    for (const check of this.#logged) judge(check, check.logged?.(member, entries, previousTerm));
  }

  committed(member: MemberView, from: number, log: EntryLogView): void {
    for (const check of this.#committed) judge(check, check.committed?.(member, from, log));
  }

  sent(message: Message, disk: DurableView): void {
    for (const check of this.#sent) judge(check, check.sent?.(message, disk));
  }

  reconfigured(member: MemberView, before: ConfState, after: ConfState): void {
    for (const check of this.#reconfigured) judge(check, check.reconfigured?.(member, before, after));
  }

  applied(member: MemberView, entry: Entry): void {
    for (const check of this.#applied) judge(check, check.applied?.(member, entry));
  }

  installed(member: MemberView, conf: ConfState): void {
    for (const check of this.#installed) judge(check, check.installed?.(member, conf));
  }

  restored(member: MemberView, index: number, values: readonly number[]): void {
    for (const check of this.#restored) judge(check, check.restored?.(member, index, values));
  }

  readAsked(id: number): void {
    this.#reads.asked(id, this.committedEntries.lastIndex);
  }

  readAnswered(id: number, member: NodeId, index: number): void {
    judge(this.#reads, this.#reads.answered(id, member, index));
  }
}

function judge({ property }: { readonly property: string }, verdict: Verdict): void {
  if (verdict !== undefined) throw new ViolationError(property, verdict);
}
