/** Checks what agents say: the border between their words and the state. */
import type { Hello, Inventory as SaidInventory, AllocationReport as SaidReport } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { Inventory, NodeRow } from '../model/entities.ts';
import type { AllocationReport, RegisterNode } from '../state/commands.ts';
import { allocationStateFromProto } from './allocation-states.ts';

/** A node as its agent describes it. */
export type SaidNode = Pick<RegisterNode, 'id' | 'name' | 'inventory' | 'agentVersion' | 'httpAddress'>;

const idPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const namePattern = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$/;
const attributesMax = 256;
const attributeNameMax = 128;
const attributeValueMax = 1_024;
const capabilitiesMax = 4_096;
/** What a job can ask for at all; the longest are devices, with their paths. */
const capabilityPattern = /^[!-~]{1,300}$/;
const textMax = 255;
export const reportsMax = 10_000;
const messageMax = 1_000;

/**
 * Throws `CELL_E_INVALID` or `CELL_E_FOREIGN_CLUSTER`. An agent of a cluster that this one was recovered from is one of
 * ours: the Welcome gives it the new id. The way back is closed, since the old cluster does not know the new id.
 */
export function readHello(hello: Hello, clusterId: string, formerClusterIds: readonly string[]): SaidNode {
  if (hello.clusterId !== '' && hello.clusterId !== clusterId && !formerClusterIds.includes(hello.clusterId)) {
    const advice = 'check the agent\'s "control_plane" setting, or give it a new data folder';
    const message = `Node "${hello.nodeName}" belongs to cluster "${hello.clusterId}", this is "${clusterId}"; ${advice}`;
    throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
  }
  checkNode(hello.nodeId, hello.nodeName);
  if (hello.inventory === undefined) throw invalid('inventory', '', 'what the machine has');
  return {
    id: hello.nodeId,
    name: hello.nodeName,
    inventory: readInventory(hello.inventory),
    agentVersion: bounded('agent_version', hello.agentVersion),
    httpAddress: bounded('http_address', hello.httpAddress),
  };
}

/** Throws `CELL_E_INVALID`. */
export function checkNode(id: string, name: string): void {
  if (!idPattern.test(id)) throw invalid('node_id', id.slice(0, textMax), '1 to 64 letters, digits and "-"');
  if (namePattern.test(name)) return;
  const allowed = '1 to 63 letters, digits, "." and "-", beginning with a letter or digit';
  throw invalid('node_name', name.slice(0, textMax), allowed);
}

function readInventory(said: SaidInventory): Inventory {
  const attributes = Object.entries(said.attributes);
  if (attributes.length > attributesMax) {
    throw invalid('inventory.attributes', `${attributes.length} of them`, `${attributesMax} at most`);
  }
  for (const [name, value] of attributes) {
    if (name.length > attributeNameMax || value.length > attributeValueMax) {
      throw invalid('inventory.attributes', name, `names up to ${attributeNameMax}, values up to ${attributeValueMax}`);
    }
  }
  // A device with an odd name is no reason to turn a node away.
  const capabilities = [...new Set(said.capabilities.filter((name) => capabilityPattern.test(name)))].sort();
  if (capabilities.length > capabilitiesMax) {
    throw invalid('inventory.capabilities', `${capabilities.length} of them`, `${capabilitiesMax} at most`);
  }
  const { portFirst, portLast } = said;
  if (portFirst < 1 || portLast > 65_535 || portFirst > portLast) {
    throw invalid('inventory.ports', `${portFirst}-${portLast}`, 'a range within 1-65535');
  }
  const diskFreeMib = Number(said.diskFreeMib);
  // The state holds whole numbers up to 2^53 - 1.
  if (!Number.isSafeInteger(diskFreeMib)) {
    throw invalid('inventory.disk_free_mib', String(said.diskFreeMib), 'what a disk can have');
  }
  return {
    cpuMillis: said.capacity?.cpuMillis ?? 0,
    memoryMib: said.capacity?.memoryMib ?? 0,
    diskFreeMib,
    address: bounded('inventory.address', said.address),
    portFirst,
    portLast,
    attributes: Object.fromEntries(attributes.sort(([a], [b]) => (a < b ? -1 : 1))),
    runtime: bounded('inventory.runtime', said.runtime),
    capabilities,
  };
}

/** Throws `CELL_E_INVALID`. Long messages are cut. */
export function readReports(nodeId: string, said: readonly SaidReport[]): AllocationReport[] {
  if (said.length > reportsMax) throw invalid('allocations', `${said.length} of them`, `${reportsMax} at most`);
  return said.map((report) => {
    const state = allocationStateFromProto(report.state);
    if (!idPattern.test(report.id)) throw invalid('allocations.id', report.id, 'the id of an allocation');
    if (state === undefined || state === 'lost') {
      throw invalid('allocations.state', String(report.state), 'a state that an agent can know');
    }
    const { id, restarts, exitCode } = report;
    return { id, nodeId, state, restarts, exitCode, message: report.message.slice(0, messageMax) };
  });
}

/** Whether the state does not have the node as it is now. Free disk space changes all the time and does not count. */
export function needsRegistration(row: NodeRow | undefined, said: SaidNode): boolean {
  if (row === undefined || row.status !== 'ready') return true;
  const { inventory: has } = row;
  const { inventory: says } = said;
  return (
    row.name !== said.name ||
    row.agentVersion !== said.agentVersion ||
    row.httpAddress !== said.httpAddress ||
    has.cpuMillis !== says.cpuMillis ||
    has.memoryMib !== says.memoryMib ||
    has.address !== says.address ||
    has.portFirst !== says.portFirst ||
    has.portLast !== says.portLast ||
    has.runtime !== says.runtime ||
    !sameEntries(has.attributes, says.attributes) ||
    has.capabilities.join(' ') !== says.capabilities.join(' ')
  );
}

function sameEntries(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function bounded(field: string, text: string): string {
  if (text.length > textMax) throw invalid(field, `${text.slice(0, 40)}…`, `${textMax} characters at most`);
  return text;
}

function invalid(field: string, value: string, allowed: string): CellError {
  return new CellError('CELL_E_INVALID', `The agent said ${field} = "${value}"; allowed: ${allowed}`);
}
