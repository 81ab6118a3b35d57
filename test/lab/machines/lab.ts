import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseTree, type Suite } from './base-tree.ts';
import { Machine, type MachineParts } from './machine.ts';
import { newLabName } from './names.ts';
import { addressOf, connectMachine, dropAddresses, HUB_ADDRESS, hubOf, makeHub, setLink } from './network.ts';
import { runCommand } from './run-command.ts';
import { folderOf, sweepLab, sweepLeftovers } from './sweep.ts';

export interface MachineOptions {
  /** Default 'limits'. */
  readonly flavour?: MachineParts['flavour'];
  /** Folders of the host, by their path in the machine. */
  readonly readOnly?: Readonly<Record<string, string>>;
  /** The same, but the machine may change its own view of them, which the host does not see. */
  readonly copied?: Readonly<Record<string, string>>;
  /** Default "bookworm". */
  readonly suite?: Suite;
  /** Has all files of that machine, which was made without this, is off, and stays so. */
  readonly like?: Machine;
}

/** Machines on one bridge, which nothing else is on. */
export class Lab {
  readonly name: string;
  readonly folder: string;
  readonly #machines: Machine[] = [];
  readonly #keeper: ChildProcess;
  readonly #relays: Server[] = [];
  readonly #cuts = new Map<Machine, Set<Machine>>();

  private constructor(name: string, keeper: ChildProcess) {
    this.name = name;
    this.folder = folderOf(name);
    this.#keeper = keeper;
  }

  /** An empty lab. However this process ends, what it made is removed. */
  static async open(): Promise<Lab> {
    sweepLeftovers();
    const name = newLabName();
    mkdirSync(join(folderOf(name), 'www'), { recursive: true });
    try {
      await makeHub(name);
      return new Lab(name, await startKeeper(name));
    } catch (error) {
      sweepLab(name);
      throw error;
    }
  }

  /** Of the process that removes the lab in the end. */
  get keeperPid(): number | undefined {
    return this.#keeper.pid;
  }

  get machines(): readonly Machine[] {
    return this.#machines;
  }

  machine(name: string): Machine {
    const found = this.#machines.find((each) => each.name === name);
    if (found === undefined) throw new Error(`There is no machine "${name}"`);
    return found;
  }

  /** A machine that is off, with nothing but Debian on it. */
  async make(name: string, options: MachineOptions = {}): Promise<Machine> {
    const tree = await baseTree(options.suite ?? 'bookworm');
    const place = this.#machines.length;
    const folder = join(this.folder, 'machines', name);
    const parts: MachineParts = {
      name,
      lab: this.name,
      place,
      address: addressOf(place),
      folder,
      flavour: options.flavour ?? 'limits',
      words: bindWords(folder, options),
    };
    const machine = new Machine(parts);
    this.#machines.push(machine);
    await connectMachine(this.name, machine.fullName, place);
    const below = options.like === undefined ? [] : [join(options.like.parts.folder, 'upper')];
    await mountRoot([...below, tree], folder);
    machine.write('/etc/hostname', `${name}\n`);
    machine.write('/etc/machine-id', `${randomUUID().replaceAll('-', '')}\n`);
    this.#writeHosts();
    return machine;
  }

  /** Makes machines and boots them, all at once. */
  async boot(names: readonly string[], options: MachineOptions = {}): Promise<Machine[]> {
    const machines: Machine[] = [];
    for (const name of names) machines.push(await this.make(name, options));
    await Promise.all(machines.map((machine) => machine.boot()));
    return machines;
  }

  /** No packet between the one and the others any more, both ways. */
  async cut(one: Machine, others: readonly Machine[]): Promise<void> {
    for (const other of others) {
      this.#cutsOf(one).add(other);
      this.#cutsOf(other).add(one);
    }
    await this.#applyCuts([one, ...others]);
  }

  async heal(one: Machine, others: readonly Machine[]): Promise<void> {
    for (const other of others) {
      this.#cutsOf(one).delete(other);
      this.#cutsOf(other).delete(one);
    }
    await this.#applyCuts([one, ...others]);
  }

  /** Pulls a machine's cable, or puts it back in. */
  async plug(machine: Machine, state: 'up' | 'down'): Promise<void> {
    await setLink(this.name, machine.parts.place, state);
  }

  /** Gives a folder of the host to the machines by HTTP, and its address. */
  serve(name: string, folder: string): string {
    symlinkSync(folder, join(this.folder, 'www', name));
    return `http://${HUB_ADDRESS}/${name}`;
  }

  /** Leads a port of the host's loopback to one of a machine, and gives the address on the host. */
  async relay(machine: Machine, port: number): Promise<string> {
    const server = createServer((caller) => {
      const hub = connect(join(this.folder, 'hub.sock'));
      hub.on('error', () => caller.destroy()).on('close', () => caller.destroy());
      caller.on('error', () => hub.destroy()).on('close', () => hub.destroy());
      hub.write(`${machine.address} ${port}\n`);
      caller.pipe(hub).pipe(caller);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#relays.push(server.unref());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Writes what the machines have logged into a new folder, which is given, and stays. */
  async collectJournals(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'cell-lab-journals-'));
    for (const machine of this.#machines) {
      const text = await machine.journal().catch((error: unknown) => String(error));
      writeFileSync(join(folder, `${machine.name}.journal`), text);
      await runCommand('cp', [machine.consoleFile, join(folder, `${machine.name}.console`)]).catch(() => undefined);
    }
    return folder;
  }

  /** Without ceremony, and completely. */
  async destroy(): Promise<void> {
    for (const relay of this.#relays) relay.close();
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null) {
      this.#keeper.ref();
      const ended = once(this.#keeper, 'exit');
      this.#keeper.stdin?.end();
      await ended;
    }
    // It may have been killed.
    sweepLab(this.name);
  }

  #cutsOf(machine: Machine): Set<Machine> {
    const cuts = this.#cuts.get(machine) ?? new Set();
    this.#cuts.set(machine, cuts);
    return cuts;
  }

  async #applyCuts(machines: readonly Machine[]): Promise<void> {
    for (const machine of machines) {
      const addresses = [...this.#cutsOf(machine)].map(({ address }) => address);
      await dropAddresses(machine.fullName, addresses);
    }
  }

  #writeHosts(): void {
    const lines = this.#machines.map(({ name, address }) => `${address} ${name}\n`).join('');
    for (const machine of this.#machines) machine.write('/etc/hosts', `127.0.0.1 localhost\n${lines}`);
  }
}

/** The lab's own process beside it, see keeper-main.ts. */
async function startKeeper(lab: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'keeper-main.ts');
  const words = [`--net=/run/netns/${hubOf(lab)}`, process.execPath, program, lab];
  const keeper = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  keeper.stdin.on('error', () => undefined);
  const [said] = (await Promise.race([once(keeper.stdout, 'data'), once(keeper, 'exit')])) as unknown[];
  if (String(said) !== 'ready\n') throw new Error(`Cannot start the keeper of the lab: ${String(said)}`);
  keeper.unref();
  return keeper;
}

/** Nothing of it has to outlive the host's kernel: without waiting for the disk, machines are much quicker. */
async function mountRoot(lower: readonly string[], folder: string): Promise<void> {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [string, string, string];
  for (const each of [upper, work, root]) mkdirSync(each, { recursive: true });
  const layers = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work},volatile`;
  await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', layers, root]);
}

function bindWords(folder: string, { readOnly = {}, copied = {} }: MachineOptions): string[] {
  const binds = Object.entries(readOnly).map(([path, source]) => `--bind-ro=${source}:${path}`);
  const overlays = Object.entries(copied).map(([path, source], place) => {
    const upper = join(folder, `copied-${place}`);
    mkdirSync(upper, { recursive: true });
    return `--overlay=${source}:${upper}:${path}`;
  });
  return [...binds, ...overlays];
}
