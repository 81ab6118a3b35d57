/** What becomes of forwarded commands, as it crosses the wire. */
import type { Outgoing, ProposalOutcome, ProposalOutcomeSchema } from '@cell/proto';
import type { CellErrorCode } from '../../cell-error.ts';
import type { ForwardOutcome } from '../forward-outcome.ts';

export function outcomeToProto(outcome: ForwardOutcome): Outgoing<typeof ProposalOutcomeSchema> {
  if ('index' in outcome) {
    return { outcome: { case: 'committed', value: { index: BigInt(outcome.index), result: outcome.result } } };
  }
  return { outcome: { case: 'failed', value: { code: outcome.code, message: outcome.message } } };
}

export function outcomeFromProto({ outcome }: ProposalOutcome): ForwardOutcome {
  if (outcome.case === 'committed') return { index: Number(outcome.value.index), result: outcome.value.result };
  if (outcome.case === undefined) return { code: 'CELL_E_OUTCOME_UNKNOWN', message: 'The leader said nothing of it' };
  return { code: outcome.value.code as CellErrorCode, message: outcome.value.message };
}
