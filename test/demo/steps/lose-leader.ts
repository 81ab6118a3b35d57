import type { Fleet, Member } from '../../cluster/harness/fleet.ts';
import { listAllocations } from '../allocations.ts';
import { ensure } from '../demo-failure.ts';
import type { DemoParts } from '../demo-parts.ts';
import { untilAllRight } from '../fleet-status.ts';
import { restartMembers } from '../restart-members.ts';
import type { Step } from '../step.ts';
import { type WorkloadProcess, workloadProcesses } from '../workload-processes.ts';

export const loseLeader: Step = {
  name: 'The leader dies',
  title: 'no acknowledged write is lost',
  about:
    'The drill kills the process of the leader with SIGKILL while it writes through all members, then looks for every ' +
    'write that was acknowledged. The demo plays systemd and starts the killed process again.',
  async run(parts) {
    const { fleet, cellctl, narrator } = parts;
    const before = await webProcesses(cellctl);
    const { report, restarted } = await drill(parts);
    narrator.space();
    const [leader, ...others] = restarted;
    // Who led is the drill's to say: on a busy machine it may be another one than a moment before.
    const led = leader !== undefined && report.includes(`member ${leader.id} led\n`);
    ensure(led && others.length === 0, 'Other processes ended than that of the leader');
    await narrator.during('Waiting until the fleet is all right', settled(cellctl, fleet));
    narrator.checked(
      `member ${leader.id}, which led, was killed and is back as process ${leader.pid}; the fleet is all right`,
    );
    const after = await webProcesses(cellctl);
    const same = JSON.stringify(after) === JSON.stringify(before);
    ensure(same, `Workloads were disturbed: ${JSON.stringify(before)} became ${JSON.stringify(after)}`);
    narrator.checked(`all ${before.length} web servers are the same processes as before, restarted 0 times`);
    return figureOf(report);
  },
};

/** Holds the drill, and starts what it kills again. */
async function drill({ fleet, cellctl }: DemoParts): Promise<{ report: string; restarted: readonly Member[] }> {
  const done = new AbortController();
  const restarted: Member[] = [];
  const restarting = restartMembers(fleet, done.signal, (member) => restarted.push(member));
  try {
    const { output } = await cellctl.show(['failover', 'test', '--yes']);
    return { report: output, restarted };
  } finally {
    done.abort();
    await restarting;
  }
}

function settled(cellctl: Parameters<typeof untilAllRight>[0], fleet: Fleet) {
  return untilAllRight(cellctl, fleet.members.length, fleet.agents.length);
}

interface WebProcess {
  readonly id: string;
  readonly restarts: number;
  readonly processes: readonly WorkloadProcess[];
}

async function webProcesses(cellctl: Parameters<typeof listAllocations>[0]): Promise<WebProcess[]> {
  const allocations = await listAllocations(cellctl, 'web');
  return allocations.map(({ id, restarts }) => ({ id, restarts, processes: workloadProcesses(id) }));
}

/** The drill's own figures, out of what it printed. */
export function figureOf(report: string): string {
  const leader = /New leader +member \d+ after (\d+\.\d+ s)/.exec(report)?.[1];
  const write = /Next acknowledged write +after (\d+\.\d+ s)/.exec(report)?.[1];
  const lost = /Acknowledged writes +(\d+), of these (\d+) lost/.exec(report);
  const disturbed = /Workloads +\d+ ran, (\d+) disturbed/.exec(report)?.[1];
  const known = leader !== undefined && write !== undefined && lost !== null && disturbed !== undefined;
  ensure(known, 'The report of the drill does not have all its figures');
  ensure(lost[2] === '0' && disturbed === '0', 'The drill found a loss and yet passed');
  return `new leader ${leader}, next write ${write}, 0 of ${lost[1]} writes lost, 0 workloads disturbed`;
}
