import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Usage } from '../../../ports.ts';
import type { MachineUnits } from '../../process/machine-units.ts';
import { parseStat } from '../../process/process-identity.ts';
import { type CgroupHierarchies, parseHierarchies } from './cgroup-hierarchies.ts';
import {
  parseIoStat,
  parseKeyed,
  parseNumber,
  parsePressure,
  parseServiceBytes,
  type TransferredBytes,
} from './cgroup-values.ts';

/** Undefined if there is no such file, or the kernel gives nothing for it. */
export type ReadText = (path: string) => string | undefined;

/** Of an allocation whose processes have to be counted one by one: more are not looked at. */
const PROCESSES_MAX = 1_000;
/** Reading what one unit uses takes a fifth of a millisecond. */
const UNITS_IN_A_ROW_MAX = 25;

/** Tells what units use, from the files of their cgroups, version 1, 2 or both. */
export class UsageReader {
  readonly #hierarchies: CgroupHierarchies;
  readonly #units: MachineUnits;
  readonly #read: ReadText;

  constructor(units: MachineUnits, read: ReadText = readText, mountinfo = read('/proc/self/mountinfo') ?? '') {
    this.#hierarchies = parseHierarchies(mountinfo);
    this.#units = units;
    this.#read = read;
  }

  /** `controlGroup` as systemd names it, such as "/cell.slice/x.service". Undefined if the unit has no cgroup any more. */
  usage(controlGroup: string, readAtMs: number): Usage | undefined {
    const files = new CgroupFiles(this.#hierarchies, controlGroup, this.#read);
    if (files.processes() === undefined) return undefined;
    const known = { cpuTimeMs: cpuTimeMs(files), memoryBytes: memoryBytes(files), processes: tasks(files) };
    const io = transferred(files);
    const oomKills =
      files.version2('memory.events', 'oom_kill') ?? files.version1('memory', 'memory.oom_control', 'oom_kill');
    const pressure = pressureOf(files);
    return {
      ...this.#completed(known, files),
      readAtMs,
      ...(io === undefined ? {} : { ioReadBytes: io.read, ioWriteBytes: io.written }),
      ...(pressure === undefined ? {} : { pressure }),
      ...(oomKills === undefined ? {} : { oomKills }),
    };
  }

  /** Of many units, by the same names as their cgroups; leaves out what is gone. Lets others work in between. */
  async usages(controlGroups: ReadonlyMap<string, string>, readAtMs: number): Promise<ReadonlyMap<string, Usage>> {
    const used = new Map<string, Usage>();
    let count = 0;
    for (const [id, controlGroup] of controlGroups) {
      const usage = this.usage(controlGroup, readAtMs);
      if (usage !== undefined) used.set(id, usage);
      count += 1;
      if (count % UNITS_IN_A_ROW_MAX === 0) await setImmediate();
    }
    return used;
  }

  /** What a machine without that controller does not say is counted from the processes. */
  #completed(known: Record<keyof Counted, number | undefined>, files: CgroupFiles): Counted {
    const { cpuTimeMs: cpu, memoryBytes: memory, processes } = known;
    if (cpu !== undefined && memory !== undefined && processes !== undefined) {
      return { cpuTimeMs: cpu, memoryBytes: memory, processes };
    }
    const pids = (files.processes() ?? []).slice(0, PROCESSES_MAX);
    const stats = pids
      .map((pid) => parseStat(this.#read(`/proc/${pid}/stat`) ?? ''))
      .filter((stat) => stat !== undefined);
    const ticks = stats.reduce((total, stat) => total + stat.cpuTicks, 0);
    const pages = stats.reduce((total, stat) => total + stat.memoryPages, 0);
    return {
      cpuTimeMs: cpu ?? Math.round((ticks * 1_000) / this.#units.ticksPerSecond),
      memoryBytes: memory ?? pages * this.#units.pageBytes,
      processes: processes ?? stats.length,
    };
  }
}

type Counted = Pick<Usage, 'cpuTimeMs' | 'memoryBytes' | 'processes'>;

/** The files of one unit. */
class CgroupFiles {
  readonly #hierarchies: CgroupHierarchies;
  readonly #path: string;
  readonly #read: ReadText;

  constructor(hierarchies: CgroupHierarchies, path: string, read: ReadText) {
    this.#hierarchies = hierarchies;
    this.#path = path;
    this.#read = read;
  }

  text(name: string): string | undefined {
    const { unified } = this.#hierarchies;
    return unified === undefined ? undefined : this.#read(`${unified}${this.#path}/${name}`);
  }

  version2(name: string, key?: string): number | undefined {
    const text = this.text(name);
    return key === undefined ? parseNumber(text) : parseKeyed(text, key);
  }

  textVersion1(controller: string, name: string): string | undefined {
    const place = this.#hierarchies.controllers.get(controller);
    return place === undefined ? undefined : this.#read(`${place}${this.#path}/${name}`);
  }

  version1(controller: string, name: string, key?: string): number | undefined {
    const text = this.textVersion1(controller, name);
    return key === undefined ? parseNumber(text) : parseKeyed(text, key);
  }

  /** Those that are directly in it; where systemd itself keeps them. */
  processes(): readonly number[] | undefined {
    const text = this.text('cgroup.procs') ?? this.textVersion1('name=systemd', 'cgroup.procs');
    return text?.split('\n').filter(Boolean).map(Number);
  }
}

function cpuTimeMs(files: CgroupFiles): number | undefined {
  const micros = files.version2('cpu.stat', 'usage_usec');
  if (micros !== undefined) return Math.round(micros / 1_000);
  const nanos = files.version1('cpuacct', 'cpuacct.usage');
  return nanos === undefined ? undefined : Math.round(nanos / 1_000_000);
}

/** Without what the kernel can take back at once: cached parts of files that were not used lately. */
function memoryBytes(files: CgroupFiles): number | undefined {
  const current = files.version2('memory.current');
  if (current !== undefined) return Math.max(0, current - (files.version2('memory.stat', 'inactive_file') ?? 0));
  const usage = files.version1('memory', 'memory.usage_in_bytes');
  if (usage === undefined) return undefined;
  return Math.max(0, usage - (files.version1('memory', 'memory.stat', 'total_inactive_file') ?? 0));
}

function tasks(files: CgroupFiles): number | undefined {
  return files.version2('pids.current') ?? files.version1('pids', 'pids.current');
}

function transferred(files: CgroupFiles): TransferredBytes | undefined {
  const version2 = parseIoStat(files.text('io.stat'));
  if (version2 !== undefined) return version2;
  const name = 'blkio.throttle.io_service_bytes';
  return parseServiceBytes(files.textVersion1('blkio', `${name}_recursive`) ?? files.textVersion1('blkio', name));
}

/** All three or none: kernels have them together. */
function pressureOf(files: CgroupFiles): Usage['pressure'] {
  const cpu = parsePressure(files.text('cpu.pressure'));
  if (cpu === undefined) return undefined;
  const [memory, io] = [parsePressure(files.text('memory.pressure')), parsePressure(files.text('io.pressure'))];
  return memory === undefined || io === undefined ? undefined : { cpu, memory, io };
}

/** These files are made by the kernel when they are read: waiting for them costs more than reading them. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
