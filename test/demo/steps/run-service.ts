import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedAllocation, listAllocations } from '../allocations.ts';
import { ROOT } from '../cellctl.ts';
import { ensure } from '../demo-failure.ts';
import type { Step } from '../step.ts';

const INSTANCES = 3;
const FILES = ['index.html', 'style.css'];
const FETCH_MS_MAX = 5000;

export const runService: Step = {
  name: 'A service',
  title: 'three web servers on three nodes',
  about: 'The job file says what should run; the control plane chooses the nodes and gives out the ports.',
  async run({ cellctl, narrator }) {
    await cellctl.show(['job', 'run', 'examples/web.toml', '--yes', '--timeout', '30s']);
    await cellctl.show(['allocation', 'list', '--job', 'web']);
    const instances = await listAllocations(cellctl, 'web');
    narrator.space();
    for (const instance of instances) {
      const bytes = await fetchAll(instance);
      const where = `${instance.nodeName} serves ${FILES.join(' and ')} at ${webAddress(instance)}`;
      narrator.checked(`${where}: ${bytes} bytes, as in the folder`);
    }
    const nodes = new Set(instances.map(({ nodeName }) => nodeName)).size;
    ensure(instances.length === INSTANCES, `There are ${instances.length} instances, not ${INSTANCES}`);
    ensure(nodes === INSTANCES, `The instances are on ${nodes} nodes, not on ${INSTANCES}`);
    return `${instances.length} instances on ${nodes} nodes, each serves the files`;
  },
};

export function webAddress({ address, ports }: ListedAllocation): string {
  return `http://${address}:${ports['http']}/`;
}

/** Fetches every file from one instance, compares it, and gives the number of bytes. */
async function fetchAll(instance: ListedAllocation): Promise<number> {
  let bytes = 0;
  for (const file of FILES) {
    const url = `${webAddress(instance)}${file}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
    const body = Buffer.from(await answer.arrayBuffer());
    ensure(answer.status === 200, `${url} answered ${answer.status}`);
    const same = body.equals(readFileSync(join(ROOT, 'examples/web/files', file)));
    ensure(same, `${url} served something else than the file "${file}"`);
    bytes += body.length;
  }
  return bytes;
}

/** Whether it answers now. */
export async function answers(instance: ListedAllocation): Promise<boolean> {
  try {
    const answer = await fetch(webAddress(instance), { signal: AbortSignal.timeout(FETCH_MS_MAX) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
