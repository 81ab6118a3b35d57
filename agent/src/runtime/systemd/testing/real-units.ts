import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRequest } from '../../../ports.ts';
import { realClock } from '../../../real-clock.ts';
import type { Ended, Observed } from '../../../reconcile/model.ts';
import { runRequest } from '../../../testing/run-request.ts';
import { until } from '../../../testing/until.ts';
import { openSystemdRuntime, type SystemdRuntime } from '../systemd-runtime.ts';

/** Real units of the machine that the test runs in, below a folder of its own; each with an id that nothing else has. */
export class RealUnits {
  readonly folder = mkdtempSync(join(tmpdir(), 'cell-units-'));
  readonly id = `t${randomUUID().slice(0, 8)}`;
  #runtime: SystemdRuntime | undefined;

  constructor() {
    // Other users' commands that are put here must be reached.
    chmodSync(this.folder, 0o711);
    mkdirSync(this.secrets, { mode: 0o700 });
  }

  get notes(): string {
    return join(this.folder, 'notes');
  }

  get secrets(): string {
    return join(this.folder, 'secrets');
  }

  get runtime(): SystemdRuntime {
    return this.#runtime!;
  }

  get unit(): string {
    return `cell-web-${this.id}.service`;
  }

  /** As a new process of the agent would: the one before, if any, is closed. */
  async open(): Promise<SystemdRuntime> {
    await this.#runtime?.close();
    const { notes: folder, secrets: secretsFolder } = this;
    const hiddenPaths = [folder, secretsFolder, '/etc/cell', '/var/lib/cell'];
    this.#runtime = await openSystemdRuntime({ folder, secretsFolder, hiddenPaths, clock: realClock });
    return this.#runtime;
  }

  async start(command: readonly string[], change: Partial<RunRequest> = {}): Promise<void> {
    await this.runtime.start(runRequest({ id: this.id, command, ...change }));
  }

  seen<State extends Observed['state']>(state: State, run = 1): Promise<Extract<Observed, { state: State }>> {
    return until(() => {
      const observed = this.runtime.observe(this.id, run);
      return observed.state === state ? (observed as Extract<Observed, { state: State }>) : undefined;
    });
  }

  /** Runs the script to its end: how that was, and all that it wrote. */
  async run(script: string, change: Partial<RunRequest> = {}): Promise<{ ended: Ended; text: string }> {
    await this.start(['sh', '-c', script], change);
    const ended = await this.seen('ended', change.run);
    return { ended, text: await this.output() };
  }

  /** Why it can't be run. */
  async refusal(command: readonly string[], change: Partial<RunRequest> = {}): Promise<string> {
    try {
      await this.start(command, change);
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message}`;
    }
    return 'It was run';
  }

  async output(): Promise<string> {
    const all = { follow: true, tailLines: undefined, stream: 'both', mayGoOn: () => false } as const;
    let text = '';
    for await (const { data } of this.runtime.readLogs(this.id, all, new AbortController().signal)) {
      text += Buffer.from(data).toString();
    }
    return text;
  }

  async dispose(): Promise<void> {
    const runtime = this.#runtime ?? (await this.open());
    for (const id of runtime.known()) await runtime.remove(id);
    await runtime.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
