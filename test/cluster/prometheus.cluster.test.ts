import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Fleet } from './harness/fleet.ts';
import { freePorts } from './harness/free-ports.ts';
import { runJob, settled } from './harness/run-job.ts';
import { testFleet } from './harness/test-fleet.ts';
import { waitFor } from './harness/wait-for.ts';
import { Witness } from './harness/witness.ts';

const SCRAPED_MS_MAX = 60_000;

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A configuration as a person would write it: one address of the fleet, and everything else is found. */
function configuration(fleet: Fleet): string {
  return `global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: cell
    http_sd_configs:
      - url: http://${fleet.member(1).httpAddress}/v1/sd
        refresh_interval: 1s
    relabel_configs:
      - source_labels: [__meta_cell_role]
        target_label: role
      - source_labels: [__meta_cell_node]
        target_label: node
      - source_labels: [__meta_cell_cluster]
        target_label: cluster
`;
}

/** Ends with the test. */
async function startPrometheus(program: string, fleet: Fleet): Promise<string> {
  const [port] = await freePorts(1);
  const configFile = join(fleet.folder, 'prometheus.yml');
  writeFileSync(configFile, configuration(fleet));
  const flags = [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(fleet.folder, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child: ChildProcess = spawn(program, flags, { stdio: 'ignore' });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return `http://127.0.0.1:${port}`;
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return ((await answer.json()) as { data: T }).data;
}

test("Debian's Prometheus finds and scrapes all members and agents, also one that joins later", async (context) => {
  const folder = process.env['CELL_TEST_PROMETHEUS_DIR'];
  if (folder === undefined || !existsSync(join(folder, 'prometheus'))) return context.skip('There is no Prometheus');
  const fleet = await testFleet({ members: 3, agents: 3, start: false });
  const late = fleet.agent(3);
  const first = [...fleet.members, fleet.agent(1), fleet.agent(2)];
  for (const daemon of first) daemon.start();
  await Promise.all(first.map((daemon) => daemon.ready()));
  await runJob(fleet.operators(), new Witness(fleet.folder).job('web'));
  await settled(fleet.operators(), 'web', { count: 3 });
  const url = await startPrometheus(join(folder, 'prometheus'), fleet);
  const allUp = (count: number) =>
    waitFor(
      async () => {
        const { activeTargets } = await ask<{ activeTargets: Target[] }>(`${url}/api/v1/targets`);
        return activeTargets.length === count && activeTargets.every(({ health }) => health === 'up') && activeTargets;
      },
      { what: `${count} targets to be up`, timeoutMs: SCRAPED_MS_MAX, pollMs: 200 },
    );
  await allUp(5);
  late.start();
  const targets = await allUp(6);
  expect(targets.map(({ labels }) => `${labels['cluster']} ${labels['role']} ${labels['node']}`).sort()).toEqual([
    'test agent node-1',
    'test agent node-2',
    'test agent node-3',
    'test control-plane member-1',
    'test control-plane member-2',
    'test control-plane member-3',
  ]);
  const query = encodeURIComponent('sum(cell_agent_allocations{state="healthy"})');
  await waitFor(
    async () => {
      const { result } = await ask<{ result: { value: [number, string] }[] }>(`${url}/api/v1/query?query=${query}`);
      return result[0]?.value[1] === '3';
    },
    { what: 'Prometheus to count 3 healthy instances', timeoutMs: SCRAPED_MS_MAX, pollMs: 200 },
  );
  for (const daemon of [...fleet.members, ...fleet.agents]) {
    const { body } = await daemon.http('/metrics');
    const verdict = execFileSync(join(folder, 'promtool'), ['check', 'metrics'], { input: body, encoding: 'utf8' });
    expect(verdict, daemon.name).toBe('');
  }
});
