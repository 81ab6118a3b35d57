import { type DrainNodeRequest, NodeService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { Command } from '../state/commands.ts';
import { findNode } from './find.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallServer } from './serve.ts';
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
    getNode: calls.unary(method.getNode, async ({ node, stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const row = findNode(state, node);
      const allocations = allocationsToProto(state, state.allocationsOnNode(row.id));
      return { node: nodeWithWaits(state, row), allocations };
    }),
    drainNode: calls.unary(method.drainNode, (request, { timeoutMs }) => {
      const { keepSystemJobs } = request;
      const deadlineMs = readDeadline(request);
      return change(parts, request.node, timeoutMs, (id, timeMs) => {
        return { kind: 'drain-node', timeMs, id, deadlineMs, keepSystemJobs };
      });
    }),
    undrainNode: calls.unary(method.undrainNode, ({ node }, { timeoutMs }) => {
      return change(parts, node, timeoutMs, (id, timeMs) => ({ kind: 'undrain-node', timeMs, id }));
    }),
    setNodeEligibility: calls.unary(method.setNodeEligibility, ({ node, eligible }, { timeoutMs }) => {
      return change(parts, node, timeoutMs, (id, timeMs) => ({ kind: 'set-node-eligibility', timeMs, id, eligible }));
    }),
    revokeNode: calls.unary(method.revokeNode, async ({ node }, { timeoutMs }) => {
      const revoked = await change(parts, node, timeoutMs, (id, timeMs) => ({ kind: 'revoke-node', timeMs, id }));
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

/** The node as it is after a change of it. */
async function change(
  parts: MadeParts,
  text: string,
  timeoutMs: number,
  command: (id: string, timeMs: number) => Command,
) {
  const { id } = findNode(await readState(parts, false, timeoutMs), text);
  const { index } = await submitCommand(parts, command(id, parts.clock.wallMs()), timeoutMs);
  const { state } = parts.consensus;
  return { node: nodeWithWaits(state, findNode(state, id)), index: BigInt(index) };
}
