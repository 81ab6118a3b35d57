import { type DrainNodeRequest, NodeService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { AuditNote } from '../model/identity.ts';
import type { Command } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { findJoined, findNode, type JoinedNode } from './find.ts';
import { visibleTo } from './namespace-view.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext, CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { allocationsToProto, nodeToProto, nodeWithWaits } from './to-proto.ts';

const { method } = NodeService;
/** Nobody waits longer for a machine; and who wants to need not give a deadline. */
const deadlineDaysMax = 365;
const deadlineMsMax = deadlineDaysMax * 24 * 60 * 60 * 1_000;

/** The machines, for people. */
export function registerNodeService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, NodeService, {
    listNodes: calls.unary(method.listNodes, async ({ stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const nodes = [...state.nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { nodes: nodes.map((node) => nodeToProto(state, node)), index: BigInt(state.index) };
    }),
    getNode: calls.unary(method.getNode, async ({ node, stale }, { caller, timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const visible = visibleTo(caller, state);
      const row = findNode(state, node);
      const allocations = allocationsToProto(visible, visible.allocationsOnNode(row.id));
      return { node: nodeWithWaits(state, row, visible), allocations };
    }),
    drainNode: calls.unary(method.drainNode, (request, context) => {
      const { keepSystemJobs } = request;
      const deadlineMs = readDeadline(request);
      return change(parts, request.node, context, (id, noted) => {
        return { kind: 'drain-node', ...noted, id, deadlineMs, keepSystemJobs };
      });
    }),
    undrainNode: calls.unary(method.undrainNode, ({ node }, context) => {
      return change(parts, node, context, (id, noted) => ({ kind: 'undrain-node', ...noted, id }));
    }),
    setNodeEligibility: calls.unary(method.setNodeEligibility, ({ node, eligible }, context) => {
      return change(parts, node, context, (id, noted) => ({ kind: 'set-node-eligibility', ...noted, id, eligible }));
    }),
    revokeNode: calls.unary(method.revokeNode, async ({ node }, context) => {
      const command = (id: string, noted: Noted) => ({ kind: 'revoke-node', ...noted, id }) as const;
      const revoked = await change(parts, node, context, command, findJoined);
      return { node: revoked.node };
    }),
  });
}

function readDeadline({ deadlineMs }: DrainNodeRequest): number | undefined {
  if (deadlineMs === undefined) return undefined;
  if (deadlineMs <= BigInt(deadlineMsMax)) return Number(deadlineMs);
  const message = `The deadline of a drain is ${deadlineDaysMax} days at most, or there is none`;
  throw new CellError('CELL_E_INVALID', message);
}

interface Noted {
  readonly timeMs: number;
  readonly audit: AuditNote;
}

/** The node as it is after a change of it. */
async function change(
  parts: MadeParts,
  text: string,
  { entered, timeoutMs }: Pick<CallContext, 'entered' | 'timeoutMs'>,
  command: (id: string, noted: Noted) => Command,
  find: (state: FleetState, text: string) => JoinedNode = findNode,
) {
  const { id, name } = find(await readState(parts, false, timeoutMs), text);
  const noted = { timeMs: parts.clock.wallMs(), audit: entered.note(`node/${name}`) };
  const { index } = await submitCommand(parts, command(id, noted), timeoutMs);
  const { state } = parts.consensus;
  const row = state.nodes.get(id);
  const revoked = state.nodeIdentities.get(id)?.revokedAtMs !== undefined;
  return { node: row === undefined ? { id, name, revoked } : nodeWithWaits(state, row), index: BigInt(index) };
}
