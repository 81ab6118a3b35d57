import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BesideResult, LogRequest, Runtime } from '../../ports.ts';
import type { Observed } from '../../reconcile/model.ts';
import { runRequest } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';

/** How one implementation is opened, and how its commands are written. */
export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Whether standard output and standard error are kept as one. */
  readonly streamsAreOne?: boolean;
  /** Ends with that code at once. */
  exits(code: number): string[];
  /** Runs until it is signalled. */
  sleeps(): string[];
  /** Writes the name of the signal, then runs until SIGKILL. */
  ignores(signal: string): string[];
  /** Writes the line to standard output and runs on. */
  says(line: string): string[];
  dispose(): Promise<void>;
}

/** What every implementation of `Runtime` must do. */
export function runtimeSuite(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(name, () => {
    let subject: RuntimeUnderTest;
    let runtime: Runtime;
    /** Another one for each test: output is kept by it, and outlives the test. */
    let id: string;
    beforeEach(async () => {
      subject = await open();
      runtime = subject.runtime;
      id = `a${randomUUID().slice(0, 8)}`;
    });
    afterEach(() => subject.dispose());

    const start = (command: readonly string[], run = 1, of = id): Promise<void> =>
      runtime.start(runRequest({ id: of, run, command }));
    const seen = (state: Observed['state'], run = 1): Promise<Observed> =>
      until(() => (runtime.observe(id, run).state === state ? runtime.observe(id, run) : undefined));

    test('a run that was never started is not there', () => {
      expect(runtime.observe(id, 1)).toEqual({ state: 'none' });
    });

    test.each([0, 1, 42])('an exit with code %i is observed as such', async (code) => {
      await start(subject.exits(code));
      expect(await seen('ended')).toEqual({ state: 'ended', exitCode: code, cannotRun: '', message: '' });
    });

    test('a listener hears of the end at once', async () => {
      const heard: string[] = [];
      runtime.onChange((changed) => heard.push(`${changed} ${runtime.observe(changed, 1).state}`));
      await start(subject.exits(0));
      await until(() => heard.includes(`${id} ended`) || undefined);
    });

    test('a signal ends a run with 128 and its number', async () => {
      await start(subject.sleeps());
      await seen('running');
      await runtime.signal(id, 'SIGTERM');
      expect(await seen('ended')).toMatchObject({ exitCode: 143 });
    });

    test('a command can still be sent SIGINT', async () => {
      await start(subject.sleeps());
      await seen('running');
      await runtime.signal(id, 'SIGINT');
      expect(await seen('ended')).toMatchObject({ exitCode: 130 });
    });

    test('what ignores SIGTERM is killed', async () => {
      await start(subject.ignores('SIGTERM'));
      await until(async () => (await read()).includes('SIGTERM') || undefined);
      await runtime.signal(id, 'SIGTERM');
      expect(runtime.observe(id, 1).state).toBe('running');
      await runtime.kill(id);
      expect(await seen('ended')).toMatchObject({ exitCode: 137 });
    });

    test('starting a run again leaves it as it is', async () => {
      await start(subject.exits(3));
      await seen('ended');
      await start(subject.exits(4));
      expect(runtime.observe(id, 1)).toMatchObject({ exitCode: 3 });
    });

    test('the next run takes the place of the one that ended', async () => {
      await start(subject.exits(3));
      await seen('ended');
      await start(subject.sleeps(), 2);
      await seen('running', 2);
      expect(runtime.observe(id, 1)).toEqual({ state: 'none' });
      await runtime.kill(id);
      await seen('ended', 2);
    });

    test('signals to what has ended or never was do nothing', async () => {
      await runtime.signal(id, 'SIGTERM');
      await runtime.kill(id);
      await start(subject.exits(0));
      await seen('ended');
      await runtime.signal(id, 'SIGTERM');
      await runtime.kill(id);
      expect(runtime.observe(id, 1)).toMatchObject({ exitCode: 0 });
    });

    test('usage names what runs and nothing else', async () => {
      await start(subject.sleeps());
      await seen('running');
      await start(subject.exits(0), 1, `${id}-b`);
      await until(() => runtime.observe(`${id}-b`, 1).state === 'ended' || undefined);
      const usage = await runtime.usage();
      expect([...usage.keys()]).toEqual([id]);
      expect(usage.get(id)?.processes).toBeGreaterThanOrEqual(1);
      expect(usage.get(id)?.memoryBytes).toBeGreaterThan(100_000);
      await runtime.kill(id);
      await seen('ended');
    });

    test('output of all runs is read back in order, whole or its last lines', async () => {
      for (const run of [1, 2]) {
        await start(subject.says(`line ${run}`), run);
        await seen('running', run);
        await until(async () => (await read()).includes(`line ${run}\n`) || undefined);
        await runtime.kill(id);
        await seen('ended', run);
      }
      expect(await read()).toBe('line 1\nline 2\n');
      expect(await read({ tailLines: 1 })).toBe('line 2\n');
      expect(await read({ tailLines: 0 })).toBe('');
      if (subject.streamsAreOne === true) {
        await expect(read({ stream: 'stderr' })).rejects.toMatchObject({ code: 'CELL_E_UNSUPPORTED' });
      } else {
        expect(await read({ stream: 'stderr' })).toBe('');
      }
    });

    test('a follower waits for what comes and ends with the allocation', async () => {
      await start(subject.says('hello'));
      await seen('running');
      await until(async () => (await read()) === 'hello\n' || undefined);
      const followed = read({ follow: true });
      await runtime.kill(id);
      expect(await followed).toBe('hello\n');
    });

    test('a follower can be sent away', async () => {
      await start(subject.sleeps());
      await seen('running');
      const gone = new AbortController();
      const followed = read({ follow: true }, gone.signal);
      gone.abort();
      expect(await followed).toBe('');
      await runtime.kill(id);
      await seen('ended');
    });

    test('reading output of what is not known is refused', async () => {
      await expect(read()).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
    });

    test('what is removed is gone, also if it runs', async () => {
      await start(subject.sleeps());
      await seen('running');
      expect(runtime.known()).toEqual([id]);
      await runtime.remove(id);
      expect(runtime.known()).toEqual([]);
      expect(runtime.observe(id, 1)).toEqual({ state: 'none' });
    });

    test('a command beside an allocation gives its exit code', async () => {
      await start(subject.sleeps());
      const beside = (command: string[], timeoutMs: number): Promise<BesideResult> =>
        runtime.runBeside(runRequest({ id, command }), timeoutMs);
      expect((await beside(subject.exits(0), 30_000)).exitCode).toBe(0);
      expect((await beside(subject.exits(7), 30_000)).exitCode).toBe(7);
      expect((await beside(subject.sleeps(), 50)).exitCode).toBeUndefined();
      await runtime.kill(id);
      await seen('ended');
    });

    async function read(request: Partial<LogRequest> = {}, signal = new AbortController().signal): Promise<string> {
      const whole: LogRequest = {
        follow: false,
        tailLines: undefined,
        stream: 'both',
        mayGoOn: () => false,
        ...request,
      };
      let text = '';
      for await (const chunk of runtime.readLogs(id, whole, signal)) text += Buffer.from(chunk.data).toString();
      return text;
    }
  });
}
