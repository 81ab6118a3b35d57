import { AllocationService, LogStream, type StreamLogsRequest } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { CellError } from '../cell-error.ts';
import { isFinal } from '../model/entities.ts';
import type { LogRequest } from '../ports.ts';
import { addService } from './add-service.ts';
import { findAllocation, findJob, findNode } from './find.ts';
import { logsFromAnywhere } from './find-logs.ts';
import { readFreshest, readState } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { allocationsToProto, allocationToProto } from './to-proto.ts';

const { method } = AllocationService;

/** What runs, for people. */
export function registerAllocationService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, AllocationService, {
    listAllocations: calls.unary(method.listAllocations, async ({ job, node, all, stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const nodeId = node === '' ? undefined : findNode(state, node).id;
      const rows = job === '' ? state.allocations.values() : state.allocationsOfJob(findJob(state, job).name);
      const wanted = [...rows].filter((row) => (all || !isFinal(row)) && (nodeId ?? row.nodeId) === row.nodeId);
      return { allocations: allocationsToProto(state, wanted), index: BigInt(state.index) };
    }),
    getAllocation: calls.unary(method.getAllocation, async ({ id, stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      const row = findAllocation(state, id);
      const usage = parts.sessions.usage(row.nodeId, row.id);
      return { allocation: allocationToProto(state, row), ...(usage === undefined ? {} : { usage }) };
    }),
    exec: calls.duplex(method.exec, async () => {
      throw new CellError('CELL_E_INVALID', 'This member can not run commands yet');
    }),
    streamLogs: calls.streaming(method.streamLogs, async function* (request, { signal, timeoutMs }) {
      const row = findAllocation(await readFreshest(parts, timeoutMs), request.allocationId);
      for await (const { data, stream } of logsFromAnywhere(parts, row, logRequest(row.id, request), signal)) {
        yield { data, stream: stream === 'stderr' ? LogStream.STDERR : LogStream.STDOUT };
      }
    }),
  });
}

function logRequest(allocationId: string, { follow, tailLines, stream }: StreamLogsRequest): LogRequest {
  const only = stream === LogStream.STDOUT ? 'stdout' : stream === LogStream.STDERR ? 'stderr' : 'both';
  return { allocationId, follow, tailLines, stream: only };
}
