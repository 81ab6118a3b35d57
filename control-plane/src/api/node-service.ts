import { NodeService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from './add-service.ts';
import { findNode } from './find.ts';
import { readState } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { allocationsToProto, nodeToProto } from './to-proto.ts';

const { method } = NodeService;

/** The machines, for people. */
export function registerNodeService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, NodeService, {
    listNodes: calls.unary(method.listNodes, async ({ stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const nodes = [...state.nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { nodes: nodes.map((node) => nodeToProto(state, node)), index: BigInt(state.index) };
    }),
    getNode: calls.unary(method.getNode, async ({ node, stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const row = findNode(state, node);
      const allocations = allocationsToProto(state, state.allocationsOnNode(row.id));
      return { node: nodeToProto(state, row), allocations };
    }),
  });
}
