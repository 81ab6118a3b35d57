import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, release, type as systemName, totalmem } from 'node:os';

/** What a node offers to workloads. */
export interface Inventory {
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly diskFreeMib: number;
  /** Where workloads' ports are reached. */
  readonly address: string;
  readonly portFirst: number;
  readonly portLast: number;
  readonly attributes: Record<string, string>;
  /** How workloads run. */
  readonly runtime: string;
  /** What jobs may ask of it; see `Inventory.capabilities` in model.proto. */
  readonly capabilities: string[];
}

export interface InventorySettings {
  readonly name: string;
  readonly address: string;
  readonly data: string;
  readonly runtime: string;
  readonly capabilities: readonly string[];
  /** Undefined: what the machine has. */
  readonly cpuMillis: number | undefined;
  readonly memoryMib: number | undefined;
  readonly portFirst: number;
  readonly portLast: number;
  /** Over those that are found. */
  readonly attributes: Readonly<Record<string, string>>;
}

const MIB = 2 ** 20;

export async function readInventory(settings: InventorySettings): Promise<Inventory> {
  const { cpuMillis, memoryMib, address, portFirst, portLast, runtime } = settings;
  const disk = await statfs(settings.data);
  return {
    cpuMillis: cpuMillis ?? availableParallelism() * 1_000,
    memoryMib: memoryMib ?? Math.floor(totalmem() / MIB),
    diskFreeMib: Math.floor((disk.bavail * disk.bsize) / MIB),
    address,
    portFirst,
    portLast,
    attributes: { ...foundAttributes(settings.name), ...settings.attributes },
    runtime,
    capabilities: [...settings.capabilities],
  };
}

function foundAttributes(nodeName: string): Record<string, string> {
  const os = parseOsRelease(readText('/etc/os-release'));
  const found = {
    'node.name': nodeName,
    'kernel.name': systemName().toLowerCase(),
    'kernel.version': release(),
    'cpu.architecture': ARCHITECTURES.get(arch()) ?? arch(),
    'cpu.cores': `${availableParallelism()}`,
    'cpu.model': /^model name\s*:\s*(.+)$/m.exec(readText('/proc/cpuinfo'))?.[1] ?? '',
    'memory.mib': `${Math.floor(totalmem() / MIB)}`,
    'os.id': os.get('ID') ?? '',
    'os.version': os.get('VERSION_ID') ?? '',
    'os.codename': os.get('VERSION_CODENAME') ?? '',
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''));
}

/** Debian's names rather than Node's. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
]);

/** The assignments of os-release(5), without their quotes. */
export function parseOsRelease(text: string): Map<string, string> {
  const lines = text.matchAll(/^([A-Z0-9_]+)=(["']?)(.*)\2$/gm);
  return new Map([...lines].map(([, name, , value]) => [name!, value!.replaceAll(/\\(["$`\\])/g, '$1')]));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not on this system; its attributes are left out.
    return '';
  }
}
