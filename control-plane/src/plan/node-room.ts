import type { JobSpec } from '@cell/job';
import type { AllocationRow, NodeRow } from '../model/entities.ts';
import type { NodeUsage } from '../state/fleet-state.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What is left on one node while a plan is made: the state's usage, and what the plan has added to it. */
export class NodeRoom {
  readonly node: NodeRow;
  cpuMillisReserved: number;
  memoryMibReserved: number;
  readonly #portsBefore: ReadonlyMap<number, string>;
  readonly #portsAdded = new Set<number>();
  readonly #portsFreed = new Set<number>();

  constructor(node: NodeRow, usage: NodeUsage) {
    this.node = node;
    this.cpuMillisReserved = usage.cpuMillis;
    this.memoryMibReserved = usage.memoryMib;
    this.#portsBefore = usage.ports;
  }

  get cpuMillisFree(): number {
    return this.node.inventory.cpuMillis - this.cpuMillisReserved;
  }

  get memoryMibFree(): number {
    return this.node.inventory.memoryMib - this.memoryMibReserved;
  }

  /** Whether one more instance fits: cpu, memory and ports; status and constraints are not looked at. */
  fits(spec: JobSpec): boolean {
    return (
      spec.resources.cpuMillis <= this.cpuMillisFree &&
      spec.resources.memoryMib <= this.memoryMibFree &&
      this.portsFit(spec)
    );
  }

  portsFit(spec: JobSpec): boolean {
    let givenOut = 0;
    for (const { port } of spec.ports) {
      if (port === 0) givenOut += 1;
      else if (this.portTaken(port)) return false;
    }
    return givenOut === 0 || this.#hasFreePorts(spec, givenOut);
  }

  portTaken(port: number): boolean {
    return this.#portsAdded.has(port) || (this.#portsBefore.has(port) && !this.#portsFreed.has(port));
  }

  /**
   * Ports by name for one more instance; `undefined` if there are not enough. Those given out start at a random place,
   * so that a port is not used again right after its last user ended, while clients may still call it.
   */
  pickPorts(spec: JobSpec, random: SeededRandom): Readonly<Record<string, number>> | undefined {
    if (spec.ports.length === 0) return {};
    const { portFirst, portLast } = this.node.inventory;
    const size = portLast - portFirst + 1;
    const mine = new Set(spec.ports.map(({ port }) => port));
    const picked: [string, number][] = [];
    for (const { name, port } of spec.ports) {
      if (port !== 0) {
        picked.push([name, port]);
        continue;
      }
      const from = size > 0 ? random.below(size) : 0;
      let tried = 0;
      const candidate = () => portFirst + ((from + tried) % size);
      while (tried < size && (this.portTaken(candidate()) || mine.has(candidate()))) tried += 1;
      if (tried >= size) return undefined;
      mine.add(candidate());
      picked.push([name, candidate()]);
    }
    return Object.fromEntries(picked);
  }

  reserve(spec: JobSpec, ports: Readonly<Record<string, number>>): void {
    this.cpuMillisReserved += spec.resources.cpuMillis;
    this.memoryMibReserved += spec.resources.memoryMib;
    for (const port of Object.values(ports)) this.#portsAdded.add(port);
  }

  /** Looks at the node as if an allocation that the state has there were gone, until `restore`. */
  release(allocation: AllocationRow): void {
    this.cpuMillisReserved -= allocation.cpuMillis;
    this.memoryMibReserved -= allocation.memoryMib;
    for (const port of Object.values(allocation.ports)) this.#portsFreed.add(port);
  }

  restore(allocation: AllocationRow): void {
    this.cpuMillisReserved += allocation.cpuMillis;
    this.memoryMibReserved += allocation.memoryMib;
    for (const port of Object.values(allocation.ports)) this.#portsFreed.delete(port);
  }

  #hasFreePorts(spec: JobSpec, wanted: number): boolean {
    const { portFirst, portLast } = this.node.inventory;
    const used = this.#portsBefore.size + this.#portsAdded.size + spec.ports.length - wanted;
    if (portLast - portFirst + 1 - used >= wanted) return true;
    // The used ones may lie outside of the range: count.
    const fixed = new Set(spec.ports.map(({ port }) => port));
    let free = 0;
    for (let port = portFirst; port <= portLast && free < wanted; port += 1) {
      if (!this.portTaken(port) && !fixed.has(port)) free += 1;
    }
    return free >= wanted;
  }
}
