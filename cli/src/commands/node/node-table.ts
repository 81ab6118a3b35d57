import { type Node, NodeStatus } from '@cell/sdk';
import type { Style, Tone } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age } from '../../output/timestamp-text.ts';
import { cores, memory } from '../../output/units.ts';
import { outOfUseWord } from './drain-view.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NODE', widthMin: 12 },
  { title: 'STATUS' },
  { title: 'CPU', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'ALLOCATIONS', align: 'right' },
  { title: 'SINCE', align: 'right' },
  { title: 'AGENT', wide: true },
  { title: 'ID', wide: true },
  { title: 'ADDRESS', wide: true },
  { title: 'HTTP', wide: true },
  { title: 'RUNTIME', wide: true },
];

/** CPU and memory: reserved of what it has. */
export function renderNodes(nodes: readonly Node[], style: Style): string {
  const rows = nodes.map((node) => {
    const { inventory, reserved } = node;
    const has = inventory?.capacity;
    return [
      node.name,
      nodeStatusCell(node),
      `${cores(reserved?.cpuMillis ?? 0)} of ${cores(has?.cpuMillis ?? 0)}`,
      `${memory(reserved?.memoryMib ?? 0)} of ${memory(has?.memoryMib ?? 0)}`,
      String(node.allocations),
      age(node.statusChangedAt, style),
      node.agentVersion,
      node.id,
      inventory?.address ?? '',
      node.httpAddress,
      inventory?.runtime ?? '',
    ];
  });
  return renderTable(COLUMNS, rows, style);
}

/** Of a node that is there and takes no allocations, why. */
export function nodeStatusCell(node: Node): { readonly text: string; readonly tone: Tone } {
  if (node.status !== NodeStatus.READY) return { text: 'lost', tone: 'bad' };
  return outOfUseWord(node) ?? { text: 'ready', tone: 'good' };
}
