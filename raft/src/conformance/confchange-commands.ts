import { Changer } from '../core/confchange/changer.ts';
import { CoreError } from '../core/core-error.ts';
import type { MembershipStep } from '../core/progress/tracker.ts';
import { membershipToConfState, NO_MEMBERSHIP } from '../core/progress/tracker.ts';
import { membershipText, parseChanges } from './conf-change-text.ts';
import { progressMapText } from './progress-text.ts';
import type { Directive } from './transcript.ts';

/** Runs `simple`, `enter-joint` and `leave-joint`, each on what the one before has left. */
export class ConfChangeRun {
  private current: MembershipStep = { membership: NO_MEMBERSHIP, progress: new Map() };
  /** Goes up with every command, also with a refused one: it shows which command made a progress. */
  private lastIndex = 0;

  run(directive: Directive): string {
    const changer = new Changer({
      ...this.current,
      lastIndex: this.lastIndex++,
      inflightMessagesMax: 10,
      inflightBytesMax: 0,
    });
    const changes = parseChanges(directive.input);
    try {
      this.current = change(changer, directive, changes);
    } catch (error) {
      if (error instanceof CoreError) return error.message;
      throw error;
    }
    const { membership, progress } = this.current;
    const views = new Map([...progress].map(([id, known]) => [id, known.view()]));
    return `${membershipText(membershipToConfState(membership))}\n${progressMapText(views)}`;
  }
}

function change(changer: Changer, directive: Directive, changes: ReturnType<typeof parseChanges>): MembershipStep {
  switch (directive.command) {
    case 'simple':
      return changer.simple(changes);
    case 'enter-joint':
      return changer.enterJoint(
        directive.args.some(({ key, values }) => key === 'autoleave' && values[0] === 'true'),
        changes,
      );
    case 'leave-joint':
      return changer.leaveJoint();
    default:
      throw new Error('unknown command');
  }
}
