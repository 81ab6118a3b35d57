import { expect, test } from 'vitest';
import { benchAgents } from '../bench/agents/agents-bench.ts';
import type { Measurement } from '../bench/bench.ts';

const AGENTS = 1_000;
const DURATION_MS = 30_000;
const TIMEOUT_MS = 240_000;

test('a thousand agents on three members are all alive for half a minute, and none is taken for lost', {
  timeout: TIMEOUT_MS,
}, async () => {
  const found = new Map<string, Measurement>();
  const sizes = { members: 3, agents: AGENTS, durationMs: DURATION_MS };
  await benchAgents({ measured: (one) => found.set(one.name, one), progress: () => undefined }, sizes);
  const losses = found.get('agents.false_losses');
  expect(losses).toMatchObject({ value: 0, config: { nodesReady: AGENTS, sessionsBroken: 0 } });
  // Members told every agent in time that its lease runs on.
  expect(losses?.config['leaseAgeMsMax']).toBeLessThan(10_000);
  for (const name of ['agents.member_cpu_cores', 'agents.member_rss_mb']) {
    const { value, unit, config } = found.get(name)!;
    expect(value).toBeGreaterThan(0);
    process.stdout.write(`${name}: ${JSON.stringify(config['all'])} ${unit} with ${AGENTS} agents\n`);
  }
});
