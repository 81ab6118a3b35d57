import { type ChildProcess, spawn } from 'node:child_process';

/**
 * What systemd is told, by sd_notify(3). Node can't send to the datagram socket of NOTIFY_SOCKET, so `systemd-notify` does.
 * To start it from here each time would stop a large process for tens of milliseconds (its memory map is copied); a
 * shell that is started once, while the process is small, starts it instead.
 */
export interface ServiceManager {
  /** Sends assignments such as `READY=1` together. Never fails and never waits: nothing depends on it. */
  notify(...assignments: readonly string[]): void;
}

/** One message a line, its assignments with tabs between them. It ends when the pipe does, not before. */
const RELAY = `trap '' HUP INT TERM; set -f; IFS=$(printf '\\t')
while read -r message; do systemd-notify $message || echo failed >&2; done`;

/** Of one message; systemd takes 4 KiB for a status. */
const MESSAGE_LENGTH_MAX = 3_000;

/** What waits while systemd does not read; more is not worth telling. */
const BACKLOG_LENGTH_MAX = 64 * 1_024;

const NOBODY: ServiceManager = { notify: () => undefined };

/** `onProblem` is told once if systemd can't be told. */
export function openServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  onProblem: (error: Error) => void,
): ServiceManager {
  const socket = environment['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return NOBODY;
  let told = false;
  const problem = (error: Error): void => {
    if (!told) onProblem(error);
    told = true;
  };
  const relay = startRelay({ NOTIFY_SOCKET: socket, PATH: environment['PATH'] ?? '/usr/bin:/bin' }, problem);
  return {
    notify: (...assignments) => {
      if (!relay.stdin!.writable || relay.stdin!.writableLength > BACKLOG_LENGTH_MAX) return;
      relay.stdin!.write(`${assignments.map(clean).join('\t')}\n`);
    },
  };
}

function startRelay(environment: Record<string, string>, problem: (error: Error) => void): ChildProcess {
  const relay = spawn('/bin/sh', ['-c', RELAY], { env: environment, stdio: ['pipe', 'ignore', 'pipe'] });
  relay.on('error', problem);
  relay.stdin.on('error', problem);
  relay.stderr.on('data', (data: Buffer) => problem(new Error(data.toString().trim())));
  relay.on('exit', (code, signal) => problem(new Error(`The relay to it ended by ${signal ?? `exit ${code}`}`)));
  // It must not keep a process alive that has nothing else to do.
  relay.unref();
  (relay.stdin as unknown as { unref(): void }).unref();
  (relay.stderr as unknown as { unref(): void }).unref();
  return relay;
}

function clean(assignment: string): string {
  return assignment.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MESSAGE_LENGTH_MAX);
}
