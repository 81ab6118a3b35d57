import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Fleet, startFleet } from '../cluster/harness/fleet.ts';
import { processesBelow } from '../cluster/harness/leftovers.ts';
import { Cellctl, environmentOf } from './cellctl.ts';
import { ensure, reasonOf } from './demo-failure.ts';
import type { DemoParts } from './demo-parts.ts';
import { FOLDER_PREFIX, keepFleet, ownFleet } from './kept-fleet.ts';
import type { Narrator } from './narrator.ts';
import type { Step } from './step.ts';
import { loseAgent } from './steps/lose-agent.ts';
import { loseLeader } from './steps/lose-leader.ts';
import { runBatch } from './steps/run-batch.ts';
import { runService } from './steps/run-service.ts';
import { showFleet } from './steps/show-fleet.ts';

const MEMBERS = 3;
const AGENTS = 5;
const STEPS: readonly Step[] = [showFleet, runService, runBatch, loseLeader, loseAgent];
const PARENT_PERIOD_MS = 250;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  /** The figure, or why it failed. */
  readonly text: string;
}

/** Shows everything; resolves to whether all was as promised. The fleet is gone then, or left up if `keep` is set. */
export async function runDemo(narrator: Narrator, { keep }: { readonly keep: boolean }): Promise<boolean> {
  const startMs = performance.now();
  // Before anything is said: whoever hears of it may end it at once.
  const endWatch = watchEnd(narrator);
  narrator.heading('Cell: a fleet on this machine that runs real work and survives the loss of its leader');
  narrator.space();
  const fleet = await start(narrator);
  const cellctl = new Cellctl({ fleet, narrator });
  const outcomes: Outcome[] = [];
  for (const [place, step] of STEPS.entries()) outcomes.push(await take(step, place + 1, { fleet, cellctl, narrator }));
  if (!keep) outcomes.push(await take(endFleet, STEPS.length + 1, { fleet, cellctl, narrator }));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  summarize(outcomes, seconds, narrator);
  endWatch();
  if (keep) keepFleet(fleet, narrator);
  return outcomes.every(({ passed }) => passed);
}

/** Tells that the demo ends early, and makes it end when whoever started it is gone. Gives what ends the watch. */
function watchEnd(narrator: Narrator): () => void {
  const interrupted = () => narrator.lastWords('\nInterrupted: ending all processes and removing the folder');
  for (const signal of SIGNALS) process.on(signal, interrupted);
  const parent = process.ppid;
  // npm, for one, may die of a signal that it has not passed on.
  const watch = () => process.ppid === parent || process.kill(process.pid, 'SIGTERM');
  const timer = setInterval(watch, PARENT_PERIOD_MS).unref();
  return () => {
    clearInterval(timer);
    for (const signal of SIGNALS) process.off(signal, interrupted);
  };
}

async function start(narrator: Narrator): Promise<Fleet> {
  const startMs = performance.now();
  const fleet = await startFleet({
    members: MEMBERS,
    agents: AGENTS,
    cluster: 'demo',
    folderPrefix: FOLDER_PREFIX,
    // What the agents run finds this Node as "node".
    environment: { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    start: false,
  });
  ownFleet(fleet);
  await narrator.during('Starting three members of the control plane and five agents', fleet.start());
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const words = Object.entries(environmentOf(fleet)).map(([name, value]) => `${name}=${value}`);
  narrator.say(
    `Started 3 members of a control plane and 5 agents on loopback in ${seconds} s; their data is in ${fleet.folder}. ` +
      'All of them speak TLS with certificates of their own. So that the commands below find them and may do ' +
      `everything: ${words.join(' ')}`,
  );
  return fleet;
}

/** Takes one step; one that fails does not keep the others from being shown. */
async function take(step: Step, number: number, parts: DemoParts): Promise<Outcome> {
  const { narrator } = parts;
  const name = `${number}. ${step.name}`;
  narrator.heading(`${name}: ${step.title}`);
  narrator.say(step.about);
  try {
    return { name, passed: true, text: await step.run(parts) };
  } catch (error) {
    const text = reasonOf(error);
    narrator.failed(text);
    return { name, passed: false, text };
  }
}

const endFleet: Step = {
  name: 'The end',
  title: 'nothing is left',
  about: 'All members and agents are told to stop; then nothing may be left of them, nor of what they ran.',
  async run({ fleet, narrator }) {
    const daemons = [...fleet.members, ...fleet.agents];
    const stopping = Promise.all(daemons.map((daemon) => daemon.stop()));
    const endings = await narrator.during('Stopping', stopping);
    const orderly = endings.filter(({ exitCode }) => exitCode === 0).length;
    await fleet.stop();
    ensure(orderly === daemons.length, `${daemons.length - orderly} of ${daemons.length} ended out of order`);
    const left = processesBelow(fleet.folder);
    ensure(left.length === 0, `Processes are left: ${left.join(', ')}`);
    ensure(!existsSync(fleet.folder), `The folder "${fleet.folder}" is left`);
    narrator.checked(`${orderly} daemons ended with exit code 0; no process and no file is left`);
    return 'no process and no file is left';
  },
};

function summarize(outcomes: readonly Outcome[], seconds: string, narrator: Narrator): void {
  narrator.heading('Summary');
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  for (const { name, passed, text } of outcomes) {
    const line = `${name.padEnd(width)}  ${text}`;
    if (passed) narrator.checked(line);
    else narrator.failed(line);
  }
  const failed = outcomes.filter(({ passed }) => !passed).length;
  const verdict = failed === 0 ? narrator.paint('PASS', 'good') : narrator.paint('FAIL', 'bad');
  narrator.space();
  narrator.say(`${verdict}: ${outcomes.length - failed} of ${outcomes.length} as promised, in ${seconds} s`);
  if (failed > 0) narrator.say('With "make demo KEEP=1" the fleet stays up, with its logs, to see why');
}
