/** A control plane of one member and one agent in this process: the only place where both are at hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Agent, startAgent } from '@cell/agent';
import { makeFolder } from '@cell/config/make-folder';
import { type Member, startMember } from '@cell/control-plane';
import { type CellClient, type ConnectOptions, JobStatus } from '@cell/sdk';
import { destination, pino } from 'pino';
import { CliError } from '../../cli-error.ts';
import type { Clock } from '../../world.ts';
import { isEnded } from '../allocation/allocation-table.ts';
import { agentConfig, devPlaces, memberConfig } from './dev-configuration.ts';
import { devJoinToken, identifyDev, tokenFile } from './dev-identity.ts';

export interface DevFleetOptions {
  /** Undefined: a temporary folder that goes away at the end. */
  readonly data: string | undefined;
  readonly currentFolder: string;
  readonly firstPort: number;
  readonly connect: (options: ConnectOptions) => CellClient;
  readonly clock: Clock;
  /** Ends a start that waits. */
  readonly signal: AbortSignal;
  /** The control plane can't go on. */
  readonly onFatal: (error: Error) => void;
}

export interface DevFleet {
  readonly address: string;
  readonly folder: string;
  /** With the token of its admin. */
  readonly tokenFile: string;
  /** Resolves once jobs can be placed. */
  ready(clock: Clock, signal: AbortSignal): Promise<void>;
  /** Stops all jobs, then agent and control plane; never rejects. */
  end(by: { readonly clock: Clock; readonly note: (text: string) => Promise<void> }): Promise<void>;
}

const CALL_TIMEOUT_MS = 5_000;
const POLL_MS = 100;
/** Longer than jobs take to stop by default. */
const JOBS_STOP_MS_MAX = 45_000;

/** Rejects with the coded error of the part that did not start; then nothing runs. */
export async function startDevFleet(options: DevFleetOptions): Promise<DevFleet> {
  const folder = dataFolder(options);
  const log = pino({ level: 'info' }, destination({ dest: join(folder, 'dev.log'), sync: true }));
  const places = devPlaces(folder, options.firstPort);
  const config = memberConfig(places);
  const removeTemporary = () => {
    if (options.data === undefined) rmSync(folder, { recursive: true, force: true });
  };
  let member: Member | undefined;
  let client: CellClient | undefined;
  try {
    const token = await identifyDev(folder, config, options.clock);
    member = await startMember(config, { log, onFatal: options.onFatal });
    client = options.connect({ addresses: [places.grpc], timeoutMs: CALL_TIMEOUT_MS, identity: { token } });
    const joinToken = await devJoinToken(client, options.clock, options.signal);
    const agent = await startAgent(agentConfig(places, joinToken), { log });
    return runningFleet({ member, agent, client, address: places.grpc, folder, removeTemporary });
  } catch (error) {
    client?.close();
    await member?.stop();
    removeTemporary();
    throw error;
  }
}

interface Parts {
  readonly member: Member;
  readonly agent: Agent;
  readonly client: CellClient;
  readonly address: string;
  readonly folder: string;
  readonly removeTemporary: () => void;
}

function runningFleet(parts: Parts): DevFleet {
  const { address, folder, client } = parts;
  return {
    address,
    folder,
    tokenFile: tokenFile(folder),
    async ready(clock, signal) {
      for (;;) {
        const status = await client.fleet.getFleetStatus({}, { signal }).catch(() => undefined);
        if ((status?.nodesReady ?? 0) > 0) return;
        await clock.sleep(POLL_MS, signal);
      }
    },
    async end({ clock, note }) {
      await stopJobs(client, clock).catch((error: unknown) => note(`Could not stop all jobs: ${messageOf(error)}`));
      client.close();
      await endParts(parts, note);
      parts.removeTemporary();
    },
  };
}

function dataFolder({ data, currentFolder }: DevFleetOptions): string {
  if (data === undefined) return mkdtempSync(join(tmpdir(), 'cell-dev-'));
  const folder = resolve(currentFolder, data);
  try {
    makeFolder(folder, 0o700);
  } catch (cause) {
    const message = `Could not make the folder "${folder}": ${(cause as Error).message}; name another with "--data"`;
    throw new CliError('CELL_E_FILE', message, { cause });
  }
  return folder;
}

/** Workloads outlive their agent, so they have to be stopped while it still works. */
async function stopJobs(client: CellClient, clock: Clock): Promise<void> {
  const { signal } = new AbortController();
  const { jobs } = await client.jobs.listJobs({});
  for (const job of jobs) {
    if (job.status !== JobStatus.STOPPED) await client.jobs.stopJob({ name: job.spec?.name ?? '' });
  }
  const untilMs = clock.monotonicMs() + JOBS_STOP_MS_MAX;
  for (;;) {
    const { allocations } = await client.allocations.listAllocations({});
    if (allocations.every(({ state }) => isEnded(state))) return;
    if (clock.monotonicMs() > untilMs) throw new Error(`after ${JOBS_STOP_MS_MAX / 1000} s some still run`);
    await clock.sleep(POLL_MS, signal);
  }
}

async function endParts({ agent, member }: Parts, note: (text: string) => Promise<void>): Promise<void> {
  await agent.close().catch((error: unknown) => note(`Could not end the agent: ${messageOf(error)}`));
  await member.stop().catch((error: unknown) => note(`Could not end the control plane: ${messageOf(error)}`));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
