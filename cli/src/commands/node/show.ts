import { type GetNodeResponse, GetNodeResponseSchema, type Node, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { renderDetails } from '../../output/details.ts';
import type { Style } from '../../output/style.ts';
import { timeAndAge } from '../../output/timestamp-text.ts';
import { cores, memory } from '../../output/units.ts';
import type { View } from '../../output/view.ts';
import { showView } from '../../output/watch-view.ts';
import { renderAllocations } from '../allocation/allocation-table.ts';
import { drainDetails } from './drain-view.ts';
import { nodeStatusCell } from './node-table.ts';

export const nodeShow = defineCommand({
  path: ['node', 'show'],
  summary: 'one node: what it has, what it is like, what runs there',
  arguments: { NODE: { summary: 'its name, or its id or the beginning of it', completes: 'node' } },
  flags: readFlagSpecs,
  examples: [{ command: 'cellctl node show node-1', what: 'By its name' }],
  async run(input) {
    const { flags, world } = input;
    await showView(input, flags.watch, async () => {
      const request = { node: input.arguments.NODE, stale: flags.stale };
      return nodeView(await input.client().nodes.getNode(request, { signal: world.signal }));
    });
  },
});

export function nodeView(response: GetNodeResponse): View {
  const { node, allocations } = response;
  return {
    plain: () => plainMessage(GetNodeResponseSchema, response),
    text(style) {
      if (node === undefined) return '';
      const runs = allocations.length === 0 ? 'No allocations\n' : renderAllocations(allocations, style, ['node']);
      return `${renderDetails(nodeDetails(node, style), style)}\n${runs}`;
    },
  };
}

function nodeDetails(node: Node, style: Style) {
  const { inventory, reserved } = node;
  const attributes = Object.entries(inventory?.attributes ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
  const of = (used: string, has: string) => `${used} reserved of ${has}`;
  return [
    ['Node', node.name],
    ['Id', node.id],
    ['Status', nodeStatusCell(node)],
    ['', node.statusMessage],
    ...drainDetails(node, style),
    ['Since', timeAndAge(node.statusChangedAt, style)],
    ['Registered', timeAndAge(node.registeredAt, style)],
    ['Agent', `version ${node.agentVersion}, HTTP at ${node.httpAddress}`],
    ['Runtime', inventory?.runtime ?? ''],
    ['Address', inventory?.address ?? ''],
    ['CPU', of(cores(reserved?.cpuMillis ?? 0), `${cores(inventory?.capacity?.cpuMillis ?? 0)} cores`)],
    ['Memory', of(memory(reserved?.memoryMib ?? 0), memory(inventory?.capacity?.memoryMib ?? 0))],
    ['Disk', `${memory(Number(inventory?.diskFreeMib ?? 0n))} free when it registered`],
    ['Ports', `${inventory?.portFirst ?? 0} to ${inventory?.portLast ?? 0} to give out`],
    ...attributes.map(([name, value], place) => [place === 0 ? 'Attributes' : '', `${name} = ${value}`] as const),
    ...capabilityRows(inventory?.capabilities ?? []),
  ] as const;
}

/** What jobs may ask of the node; devices by the hundred on one line. */
function capabilityRows(capabilities: readonly string[]) {
  const prefix = 'device:';
  const devices = capabilities.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const others = capabilities.filter((name) => !name.startsWith(prefix));
  return [
    ...others.map((name, place) => [place === 0 ? 'Abilities' : '', name] as const),
    ...(devices.length === 0 ? [] : [['Devices', devices.join(' ')] as const]),
  ];
}
