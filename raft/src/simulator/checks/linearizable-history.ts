import type { Operation } from '../../linearizability/index.ts';
import { checkLinearizability, explainViolation } from '../../linearizability/index.ts';
import type { Operation as ClientOperation } from '../client-operation.ts';
import type { Register, RegisterInput } from '../register.ts';
import { registerModel } from '../register.ts';
import type { Verdict } from './check.ts';

/** Steps to find an order of one register's operations; nearly always there are few more than operations. */
const STEPS_MAX = 30_000;

/**
 * The clients' operations could have happened one after the other, each between its beginning and its end (the
 * dissertation, 6.3 and 6.4). A command that was not answered but applied by somebody has happened by then: the
 * simulation knows more than its clients, and may ask for more.
 */
export class LinearizableHistory {
  readonly property = 'linearizability';
  /** The limit of steps was reached before there was a verdict. */
  undecided = false;

  judge(history: readonly ClientOperation[]): Verdict {
    for (const { failed, appliedMs, command, member } of history) {
      if (!failed || appliedMs === undefined) continue;
      return `Member ${member} said that command ${command?.sequence} did not happen, and it did`;
    }
    const found = checkLinearizability(registerModel, history.flatMap(asChecked), { stepsMax: STEPS_MAX });
    this.undecided = found.verdict === 'undecided';
    return found.verdict === 'violation' ? explainViolation(registerModel, found) : undefined;
  }
}

/** Nothing of what was neither answered nor applied by anybody. */
function asChecked(operation: ClientOperation): Operation<RegisterInput, Register>[] {
  const { member, key, command, invokedMs, answeredMs, appliedMs, answer, outcome } = operation;
  const returnedAt = answeredMs ?? appliedMs;
  const output = answer ?? outcome;
  if (returnedAt === undefined || output === undefined) return [];
  return [{ client: member, input: { key, command }, output, invokedAt: invokedMs, returnedAt }];
}
