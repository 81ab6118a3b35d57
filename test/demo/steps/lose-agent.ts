import { setTimeout } from 'node:timers/promises';
import type { Agent } from '../../cluster/harness/fleet.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { type ListedAllocation, listAllocations } from '../allocations.ts';
import { ensure } from '../demo-failure.ts';
import { untilAllRight } from '../fleet-status.ts';
import type { Narrator } from '../narrator.ts';
import type { Step } from '../step.ts';
import { type WorkloadProcess, workloadProcesses } from '../workload-processes.ts';
import { answers, webAddress } from './run-service.ts';

const DOWN_MS = 2000;
const ASK_PERIOD_MS = 100;
const HEALTHY_MS_MAX = 10_000;

export const loseAgent: Step = {
  name: 'An agent dies',
  title: 'what it runs runs on',
  about: 'What it runs must not notice: it runs on without the agent, and the agent that starts again takes it up.',
  async run({ fleet, cellctl, narrator }) {
    const [workload] = await listAllocations(cellctl, 'web');
    ensure(workload !== undefined, 'There is no web server whose agent could die');
    const agent = fleet.agents.find(({ name }) => name === workload.nodeName);
    ensure(agent !== undefined, `There is no agent of node "${workload.nodeName}"`);
    const before = workloadProcesses(workload.id);
    ensure(before.length > 0, 'The web server has no process');
    narrator.checked(`${agent.name} runs instance ${workload.instance} of "web": process ${pids(before)}`);

    const [killed, answered] = await withoutAgent(agent, workload, narrator);
    ensureSame(before, workload.id);
    narrator.checked(`agent killed (SIGKILL, process ${killed}); process ${pids(before)} runs on`);
    narrator.checked(`${webAddress(workload)} answered ${answered} of ${answered} times without the agent`);

    agent.start();
    await narrator.during('Starting the agent again', agent.ready());
    await narrator.during('Waiting for the fleet', untilAllRight(cellctl, fleet.members.length, fleet.agents.length));
    const adopted = await waitFor(() => adoption(agent), { what: 'the agent to adopt it', timeoutMs: HEALTHY_MS_MAX });
    ensure(adopted === 1, `The new agent has ${adopted} healthy allocations, not 1`);
    narrator.checked(`agent started again as process ${agent.pid}, and adopted the web server`);
    await cellctl.show(['allocation', 'list', '--job', 'web']);
    narrator.space();
    const after = (await listAllocations(cellctl, 'web')).find(({ id }) => id === workload.id);
    ensure(after?.state === 'healthy', `The web server is ${after?.state ?? 'gone'}`);
    ensure(after.restarts === workload.restarts, 'The web server was restarted');
    ensureSame(before, workload.id);
    ensure(await answers(after), 'The web server does not answer any more');
    narrator.checked(`still process ${pids(before)}, restarted 0 times`);
    return `process ${pids(before)} ran on, answered ${answered} of ${answered}, was adopted; 0 restarts`;
  },
};

/** Kills the agent and asks its workload again and again; gives the agent's process, and how often it was answered. */
async function withoutAgent(agent: Agent, workload: ListedAllocation, narrator: Narrator): Promise<[number, number]> {
  const killed = agent.pid;
  await agent.kill();
  let answered = 0;
  const asking = async () => {
    for (const endMs = performance.now() + DOWN_MS; performance.now() < endMs; answered += 1) {
      ensure(await answers(workload), 'The web server did not answer while its agent was away');
      await setTimeout(ASK_PERIOD_MS);
    }
  };
  await narrator.during('Asking the web server while its agent is away', asking());
  return [killed, answered];
}

/** Healthy allocations that the agent knows and has not started itself. */
async function adoption(agent: Agent): Promise<number | undefined> {
  const healthy = await agent.metric('cell_agent_allocations{state="healthy"}');
  const restarts = await agent.metric('cell_agent_restarts_total');
  return restarts === 0 && healthy !== undefined && healthy > 0 ? healthy : undefined;
}

function ensureSame(before: readonly WorkloadProcess[], allocationId: string): void {
  const now = workloadProcesses(allocationId);
  const same = JSON.stringify(now) === JSON.stringify(before);
  ensure(same, `The web server was process ${pids(before)} and is now ${pids(now) || 'gone'}`);
}

function pids(processes: readonly WorkloadProcess[]): string {
  return processes.map(({ pid }) => pid).join(', ');
}
