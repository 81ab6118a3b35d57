import { parseJobFile } from '@cell/sdk';

const JOBS = 2_000;
const NODES = 1_000;
const LINES_PER_CHUNK = 256;

/** The text of a fleet's state of about `bytes`, as its snapshots have it: mostly allocations, as many as it takes. */
export async function* fleetSnapshot(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const bytesEach = JSON.stringify(allocation(0, 0)).length + 1;
  const perJob = Math.ceil(bytes / bytesEach / JOBS);
  const counts = { members: 0, recoveries: 0, nodes: NODES, jobs: JOBS, jobVersions: 0, drills: 0, events: 0 };
  const header = { format: 'cell-fleet', version: 2, index: 1, counts: { ...counts, allocations: JOBS * perJob } };
  yield Buffer.from(`${JSON.stringify(header)}\n`);
  yield* chunks(NODES, (place) => [node(place)]);
  yield* chunks(JOBS, (place) => [job(place)]);
  yield* chunks(JOBS, (place) => Array.from({ length: perJob }, (_, instance) => allocation(place, instance)));
  yield Buffer.from('{"end":true}\n');
}

function* chunks(count: number, rowsOf: (place: number) => readonly object[]): Generator<Uint8Array> {
  let lines: string[] = [];
  for (let place = 0; place < count; place += 1) {
    for (const row of rowsOf(place)) lines.push(JSON.stringify(row), '\n');
    if (lines.length < 2 * LINES_PER_CHUNK && place < count - 1) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
  }
}

const nodeId = (place: number) => `node-${String(place).padStart(6, '0')}`;
const jobName = (place: number) => `job-${String(place).padStart(6, '0')}`;

function node(place: number): object {
  return {
    id: nodeId(place),
    name: nodeId(place),
    status: 'ready',
    statusMessage: 'Agent registered',
    statusChangedAtMs: 1_700_000_000_000,
    inventory: {
      cpuMillis: 64_000,
      memoryMib: 262_144,
      diskFreeMib: 1_000_000,
      address: '192.0.2.1',
      portFirst: 20_000,
      portLast: 32_000,
      attributes: { arch: 'amd64', kernel: '6.1.0' },
      runtime: 'process',
    },
    agentVersion: '0.1.0',
    httpAddress: '192.0.2.1:7612',
    registeredAtMs: 1_700_000_000_000,
    eligible: true,
    drain: undefined,
    modifyIndex: 1,
  };
}

function job(place: number): object {
  const parsing = parseJobFile(
    `name = "${jobName(place)}"\ntype = "service"\ncommand = ["/usr/bin/sleep", "60"]\n`,
    '-',
  );
  if ('problems' in parsing) throw new Error('Job of the bench is wrong');
  return {
    name: jobName(place),
    version: 1,
    spec: parsing.spec,
    runsFromVersion: 1,
    stopped: false,
    submittedAtMs: 1_700_000_000_000,
    modifyIndex: 1,
  };
}

function allocation(place: number, instance: number): object {
  return {
    id: `${jobName(place)}-${String(instance).padStart(6, '0')}-0123456789abcdef`,
    job: jobName(place),
    jobVersion: 1,
    instance,
    nodeId: nodeId((place + instance) % NODES),
    desired: 'run',
    desiredReason: 'Job wants this instance',
    state: 'healthy',
    message: 'Answers its health check since it was started for the first time',
    ports: { http: 20_000 + instance },
    cpuMillis: 100,
    memoryMib: 128,
    restarts: 0,
    placementReason: 'Most room of 1000 nodes after this one, of those that have the fewest instances of this job',
    createdAtMs: 1_700_000_000_000,
    changedAtMs: 1_700_000_000_000,
    modifyIndex: 1,
  };
}
