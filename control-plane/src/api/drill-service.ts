import { DrillService, type WriteMarkRequest } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { EnteredCall } from '../ports.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

const { method } = DrillService;

const paddingLengthMax = 64 * 1024;
const drillIdPattern = /^[A-Za-z0-9-]{1,64}$/;
/** The answer to the order leaves before the crash. */
const crashDelayMs = 20;
const passOnTimeoutMs = 2_000;

/** Exercised failures, for people. */
export function registerDrillService(server: Server, calls: CallServer, parts: MadeParts): void {
  const { consensus, peers } = parts;
  addService(server, parts.guard, DrillService, {
    writeMark: calls.unary(method.writeMark, (request, { entered, timeoutMs }) => {
      return writeMark(parts, request, entered, timeoutMs);
    }),
    listMarks: calls.unary(method.listMarks, async ({ drillId }, { timeoutMs }) => {
      checkDrillId(drillId);
      const state = await readState(parts, false, timeoutMs);
      const ranges = state.drills.get(drillId)?.ranges ?? [];
      return { ranges: ranges.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) })) };
    }),
    crashLeader: calls.unary(method.crashLeader, async ({ drillId, leaderId }, { entered }) => {
      checkDrillId(drillId);
      const leader = consensus.leadership.leaderId;
      if (leader === 0) throw new CellError('CELL_E_NO_LEADER', 'There is no leader to crash');
      if (BigInt(leader) !== leaderId) {
        throw new CellError(
          'CELL_E_CONFLICT',
          `Member ${leader} is the leader, not member ${leaderId}; nothing was done`,
        );
      }
      // Before it happens: the member that would write it may be the one that crashes.
      await entered.begunNow(`member/${leader}`);
      parts.log.warn({ drill: drillId, leader }, 'A drill orders the crash of the leader');
      if (consensus.leadership.leading) crashThisLeader(parts, drillId);
      else await peers.crash(leader, drillId, passOnTimeoutMs);
      return {};
    }),
  });
}

/** Writes one mark. Only the first of a drill is noted in the audit log: they come by the thousand. */
export async function writeMark(
  parts: MadeParts,
  { drillId, sequence, padding }: WriteMarkRequest,
  entered: EnteredCall,
  timeoutMs: number,
): Promise<{ readonly index: bigint }> {
  checkDrillId(drillId);
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CellError('CELL_E_INVALID', `The mark's sequence "${sequence}" is too large; count from 0`);
  }
  if (padding.length > paddingLengthMax) {
    const message = `The mark's padding has ${padding.length} characters; at most ${paddingLengthMax} may come along`;
    throw new CellError('CELL_E_LIMIT', message);
  }
  const mark = { drillId, sequence: Number(sequence), padding: padding === '' ? undefined : padding };
  const audit = parts.consensus.state.drills.has(drillId) ? undefined : entered.note(`drill/${drillId}`);
  const command = { kind: 'write-mark', timeMs: parts.clock.wallMs(), audit, ...mark } as const;
  const { index } = await submitCommand(parts, command, timeoutMs);
  return { index: BigInt(index) };
}

/** Kills this process shortly after it returns, so that who ordered it hears of it. Throws `CELL_E_NOT_LEADER`. */
export function crashThisLeader({ consensus, clock, log, crashProcess }: MadeParts, drillId: string): void {
  checkDrillId(drillId);
  if (!consensus.leadership.leading) {
    throw new CellError('CELL_E_NOT_LEADER', `Member ${consensus.memberId} is not the leader; nothing was done`);
  }
  log.fatal({ drill: drillId, member: consensus.memberId }, 'CRASHING THIS MEMBER ON THE ORDER OF A DRILL (SIGKILL)');
  clock.after(crashDelayMs, crashProcess);
}

function checkDrillId(drillId: string): void {
  if (drillIdPattern.test(drillId)) return;
  const allowed = '1 to 64 letters, digits and "-"';
  throw new CellError('CELL_E_INVALID', `The drill's id "${drillId.slice(0, 80)}" must be ${allowed}`);
}
