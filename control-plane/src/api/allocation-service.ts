import { timestampMs } from '@bufbuild/protobuf/wkt';
import { AllocationService, type ExecOutput, LogStream, type StreamLogsRequest } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import { isFinal } from '../model/entities.ts';
import type { LogRequest } from '../ports.ts';
import { checkEntry } from './check-submission.ts';
import { findAllocation, findJob, findNode } from './find.ts';
import { logsFromAnywhere } from './find-logs.ts';
import { usageFromAnywhere } from './find-usage.ts';
import { visibleTo } from './namespace-view.ts';
import { readFreshest, readState } from './read-state.ts';
import { execAnywhere, readStart } from './run-exec.ts';
import { type CallServer, pipe } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { allocationsToProto, allocationToProto } from './to-proto.ts';

const { method } = AllocationService;

/** What runs, for people. */
export function registerAllocationService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, AllocationService, {
    listAllocations: calls.unary(method.listAllocations, async ({ job, node, all, stale }, { caller, timeoutMs }) => {
      const state = visibleTo(caller, await readState(parts, stale, timeoutMs));
      const nodeId = node === '' ? undefined : findNode(state, node).id;
      const rows = job === '' ? state.allocations.values() : state.allocationsOfJob(findJob(state, job).name);
      const wanted = [...rows].filter((row) => (all || !isFinal(row)) && (nodeId ?? row.nodeId) === row.nodeId);
      return { allocations: allocationsToProto(state, wanted), index: BigInt(state.index) };
    }),
    getAllocation: calls.unary(method.getAllocation, async ({ id, stale }, { caller, timeoutMs }) => {
      const state = visibleTo(caller, await readState(parts, stale, timeoutMs));
      const row = findAllocation(state, id);
      const usage = await usageFromAnywhere(parts, row);
      const spec = state.jobVersion(row.job, row.jobVersion)?.spec;
      return {
        allocation: allocationToProto(state, row),
        ...(usage === undefined ? {} : { usage }),
        ...(spec === undefined ? {} : { limits: { ...spec.limits } }),
      };
    }),
    exec: calls.duplex(method.exec, async (call, { entered, signal, timeoutMs }) => {
      const asked = await readStart(call[Symbol.asyncIterator]());
      const state = visibleTo(entered.caller, await readFreshest(parts, timeoutMs));
      const row = findAllocation(state, asked.start.allocationId);
      checkEntry(entered.caller, state.jobVersion(row.job, row.jobVersion)?.spec);
      entered.begun(`allocation/${row.id} (${row.job}/${row.instance})`);
      await pipe(responses(execAnywhere(parts, row, asked, signal)), call, signal);
    }),
    streamLogs: calls.streaming(method.streamLogs, async function* (request, { caller, signal, timeoutMs }) {
      const state = visibleTo(caller, await readFreshest(parts, timeoutMs));
      const row = findAllocation(state, request.allocationId);
      const chunks = logsFromAnywhere(parts, row, logRequest(row.id, request), signal);
      for await (const { data, stream, cursor = '' } of chunks) {
        yield { data, cursor, stream: stream === 'stderr' ? LogStream.STDERR : LogStream.STDOUT };
      }
    }),
  });
}

async function* responses(outputs: AsyncIterable<ExecOutput | undefined>) {
  for await (const output of outputs) yield output === undefined ? {} : { output };
}

function logRequest(allocationId: string, request: StreamLogsRequest): LogRequest {
  const { follow, tailLines, stream, since, cursor } = request;
  const only = stream === LogStream.STDOUT ? 'stdout' : stream === LogStream.STDERR ? 'stderr' : 'both';
  const from = since === undefined ? {} : { sinceMs: timestampMs(since) };
  // It may have to be passed on to another member, and only a time that a calendar has can be.
  if (from.sinceMs !== undefined && Number.isNaN(new Date(from.sinceMs).getTime())) {
    throw new CellError('CELL_E_INVALID', `Output can't be asked for since ${from.sinceMs} ms after 1970`);
  }
  return { allocationId, follow, tailLines, stream: only, cursor, ...from };
}
