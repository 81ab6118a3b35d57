import { DrillService, methodDefinition } from '@cell/proto';
import { type Fleet, type Member, startFleet } from '../../cluster/harness/fleet.ts';
import { type LoadResult, runLoad } from '../raft/load.ts';
import { h2loadMissing, loadUnary } from './h2load.ts';
import { loadCounted, type MeasuredSystem, type Operation } from './measured-system.ts';

const { writeMark, listMarks } = DrillService.method;

/** Always the same mark, as etcd's key is always the same. */
const DRILL_ID = 'bench';

/** One client makes all calls here. */
const LIMITS = '[limits]\ncalls_per_second = 1000000\ncalls_burst = 1000000\n';

/** A real control plane with default settings, but for how much one client may ask. */
export async function startMeasuredCell(members: number, valueBytes: number): Promise<MeasuredSystem> {
  const fleet = await startFleet({ members, memberSettings: LIMITS });
  const leader = await fleet.leader();
  const unary: Operation[] = h2loadMissing() === undefined ? ['writes', 'reads'] : [];
  return {
    name: 'cell',
    operations: [...unary, 'stream_writes'],
    load: (operation, inFlight, seconds) => {
      if (operation === 'reads') return readAll(fleet, leader, inFlight, seconds);
      const written = async () => (await leader.metric('cell_raft_applied_index')) ?? 0;
      const mark = { drillId: DRILL_ID, sequence: 1n, padding: 'v'.repeat(valueBytes) };
      return loadCounted(written, () =>
        operation === 'writes'
          ? writeAll(fleet, leader, mark, inFlight, seconds)
          : streamAll(fleet, leader, mark, inFlight, seconds),
      );
    },
    stop: () => fleet.stop(),
  };
}

type Mark = { readonly drillId: string; readonly sequence: bigint; readonly padding: string };

function writeAll(fleet: Fleet, leader: Member, mark: Mark, inFlight: number, seconds: number): Promise<LoadResult> {
  const { path, requestSerialize } = methodDefinition(writeMark);
  const { token } = fleet.identity.operator;
  return loadUnary({ address: leader.grpcAddress, path, request: requestSerialize(mark), token, inFlight, seconds });
}

function readAll(fleet: Fleet, leader: Member, inFlight: number, seconds: number): Promise<LoadResult> {
  const { path, requestSerialize } = methodDefinition(listMarks);
  const request = requestSerialize({ drillId: DRILL_ID });
  const { token } = fleet.identity.operator;
  return loadUnary({ address: leader.grpcAddress, path, request, token, inFlight, seconds });
}

async function streamAll(
  fleet: Fleet,
  leader: Member,
  mark: Mark,
  inFlight: number,
  seconds: number,
): Promise<LoadResult> {
  const client = fleet.operators(leader);
  const stream = await client.openCommandStream();
  try {
    return await runLoad(() => stream.writeMark(mark), { inFlight, durationMs: seconds * 1000 });
  } finally {
    await stream.close();
    client.close();
  }
}
