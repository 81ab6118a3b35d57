import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { INIT_PATH } from './base-tree.ts';
import { isUnified, makeGroups } from './control-groups.ts';
import { setLink } from './network.ts';
import { type CommandEnd, RunningCommand, runCommand } from './run-command.ts';
import { removeMachineProcesses } from './sweep.ts';

/** Generous: many machines boot at once, on few cores. */
const BOOT_MS_MAX = 120_000;
const POWER_OFF_MS_MAX = 120_000;
const RUN_MS_MAX = 120_000;
const KILL_AFTER_S = 5;
/** By this systemd-nspawn tells that the machine wants to start again. */
const REBOOT_EXIT_CODE = 133;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** For nsenter(1): all namespaces, and nothing of the host's environment. */
const ENTER_WORDS = ['--all', '--', 'env', '-i', `PATH=${PATH}`, 'HOME=/root', 'LANG=C.UTF-8', 'TERM=dumb'];

/** Whatever the machine: no part in the host's own services, and filters for addresses (BPF). */
const NSPAWN_WORDS = [
  '--quiet',
  '--register=no',
  '--keep-unit',
  '--console=pipe',
  '--kill-signal=SIGRTMIN+3',
  '--resolv-conf=off',
  '--timezone=off',
  '--link-journal=no',
  '--system-call-filter=bpf',
  '--capability=CAP_BPF,CAP_NET_ADMIN',
];

/** Enters the groups that are named before "--", and becomes the command after it. */
const ENTER_GROUPS = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"';

export interface MachineParts {
  readonly name: string;
  readonly lab: string;
  /** Counts the machines of the lab from 0: its link and its address. */
  readonly place: number;
  readonly address: string;
  /** Holds the root folder, which is mounted, and the console's output. */
  readonly folder: string;
  /**
   * 'limits': control groups as the host has them, with memory, cpu and tasks to be limited. 'unified': cgroup v2, with
   * filters for addresses; limits only where the host has cgroup v2 too.
   */
  readonly flavour: 'limits' | 'unified';
  /** More words for systemd-nspawn(1), such as "--bind-ro=/srv". */
  readonly words: readonly string[];
}

export interface RunOptions {
  /** Default 2 minutes; then it is killed, and ends with 124. */
  readonly timeoutMs?: number;
  readonly input?: string;
}

/** A machine with a systemd of its own. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly parts: MachineParts;
  #nspawn: ChildProcess | undefined;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.name = parts.name;
    this.address = parts.address;
  }

  /** Of its namespace and its control groups. */
  get fullName(): string {
    return `${this.parts.lab}-${this.name}`;
  }

  get running(): boolean {
    return this.#nspawn !== undefined && this.#nspawn.exitCode === null && this.#nspawn.signalCode === null;
  }

  /** The number of its systemd on the host; undefined if it doesn't run. */
  get init(): number | undefined {
    const pid = this.#nspawn?.pid;
    if (pid === undefined || !this.running) return undefined;
    return childrenOf(pid).find(isFirstOfItsKind);
  }

  /** Where its files lie on the host. Links with absolute targets lead astray there. */
  get root(): string {
    return join(this.parts.folder, 'root');
  }

  get consoleFile(): string {
    return join(this.parts.folder, 'console.log');
  }

  /** Waits until all units that belong to the boot have started; rejects if one failed. */
  async boot(): Promise<void> {
    if (this.running) throw new Error(`"${this.name}" is running already`);
    await setLink(this.parts.lab, this.parts.place, 'up');
    this.#start();
    await this.booted();
  }

  async booted(): Promise<void> {
    const state = await waitFor(
      async () => {
        if (!this.running) return 'ended';
        const said = (await this.run('systemctl is-system-running --wait')).output.trim();
        return ['running', 'degraded'].includes(said) ? said : undefined;
      },
      { what: `"${this.name}" to have booted`, timeoutMs: BOOT_MS_MAX, pollMs: 50 },
    );
    if (state === 'running') return;
    const why = state === 'ended' ? readOrEmpty(this.consoleFile) : await this.succeed('systemctl --failed --plain');
    throw new Error(`"${this.name}" has not booted, but is ${state}: ${why}`);
  }

  #start(): void {
    const { folder, flavour, words } = this.parts;
    const limits = flavour === 'limits' && !isUnified();
    const output = openSync(this.consoleFile, 'a');
    const own = [
      `--directory=${this.root}`,
      `--machine=${this.fullName}`,
      `--hostname=${this.name}`,
      `--network-namespace-path=/run/netns/${this.fullName}`,
    ];
    const init = [INIT_PATH, limits ? 'limits' : 'unified'];
    const command = ['systemd-nspawn', ...own, ...NSPAWN_WORDS, ...words, ...init];
    const child = spawn('sh', ['-c', ENTER_GROUPS, 'sh', ...makeGroups(this.fullName), '--', ...command], {
      cwd: folder,
      stdio: ['ignore', output, output],
      // Ctrl-C is for the one who made the lab.
      detached: true,
      env: { PATH, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: limits ? '0' : '1' },
    });
    closeSync(output);
    child.once('exit', (code) => {
      if (code === REBOOT_EXIT_CODE) this.#start();
    });
    child.unref();
    this.#nspawn = child;
  }

  /** A command for the shell, or words. Gives its end, whatever that is. */
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<CommandEnd> {
    return this.start(command, options).ended;
  }

  /** Like `run`, and gives its output. Rejects if it fails. */
  async succeed(command: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const { exitCode, output, errors } = await this.run(command, options);
    if (exitCode === 0) return output;
    throw new Error(
      `"${String(command)}" ended with ${exitCode} on "${this.name}": ${errors.trim()}\n${output.trim()}`.trim(),
    );
  }

  /** Like `run`, for what shall go on meanwhile; `endInside` ends it. */
  start(command: string | readonly string[], options: RunOptions = {}): RunningCommand {
    const { init } = this;
    if (init === undefined) throw new Error(`"${this.name}" does not run`);
    const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    const timeoutS = (options.timeoutMs ?? RUN_MS_MAX) / 1000;
    return new RunningCommand(
      'nsenter',
      [`--target=${init}`, ...ENTER_WORDS, 'timeout', `--kill-after=${KILL_AFTER_S}`, `${timeoutS}`, ...words],
      options.input,
    );
  }

  /** Path on the host of a file that the machine has. */
  hostPath(path: string): string {
    const { init } = this;
    return init === undefined ? join(this.root, path) : join(`/proc/${init}/root`, path);
  }

  write(path: string, text: string | Uint8Array, mode = 0o644): void {
    const file = this.hostPath(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }

  read(path: string): string {
    return readFileSync(this.hostPath(path), 'utf8');
  }

  has(path: string): boolean {
    return existsSync(this.hostPath(path));
  }

  /** In order, as by its power button. */
  async powerOff(): Promise<void> {
    await this.run('systemctl poweroff').catch(() => undefined);
    await this.#ended(`"${this.name}" to power off`);
  }

  /** At once, and without a word to those it was connected with. */
  async losePower(): Promise<void> {
    if (!this.running) return;
    await setLink(this.parts.lab, this.parts.place, 'down');
    const { init } = this;
    // The kernel ends all processes of a PID namespace with its first.
    if (init === undefined) removeMachineProcesses(this.fullName);
    else process.kill(init, 'SIGKILL');
    await this.#ended(`"${this.name}" to be gone`);
  }

  async reboot(): Promise<void> {
    const before = this.init;
    await this.run('systemctl reboot').catch(() => undefined);
    await waitFor(() => this.init !== undefined && this.init !== before, {
      what: `"${this.name}" to reboot`,
      timeoutMs: POWER_OFF_MS_MAX,
    });
    await this.booted();
  }

  /** All that it has written to its journal; also when it doesn't run. */
  async journal(): Promise<string> {
    const folder = join(this.root, 'var/log/journal');
    return runCommand('journalctl', [`--directory=${folder}`, '--no-pager', '--output=short-precise', '--quiet']);
  }

  async #ended(what: string): Promise<void> {
    await waitFor(() => !this.running, { what, timeoutMs: POWER_OFF_MS_MAX });
    removeMachineProcesses(this.fullName);
  }
}

/** Ends a command that `Machine.start` started, in the machine too. */
export async function endInside(command: RunningCommand, signal: NodeJS.Signals = 'SIGTERM'): Promise<CommandEnd> {
  const [inside] = childrenOf(command.child.pid as number);
  if (inside !== undefined) process.kill(inside, signal);
  return command.ended;
}

function childrenOf(pid: number): number[] {
  return readOrEmpty(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/**
 * Whether it is number 1 in a namespace of its own. While systemd-nspawn makes the machine, it has another child, which
 * sees the host: who entered that would ask the host's systemd whether it has booted.
 */
function isFirstOfItsKind(pid: number): boolean {
  return /^NSpid:.*\t1$/m.test(readOrEmpty(`/proc/${pid}/status`));
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
