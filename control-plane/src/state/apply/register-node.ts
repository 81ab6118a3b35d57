import type { NodeRow } from '../../model/entities.ts';
import type { CommandResult, RegisterNode } from '../commands.ts';
import { inventoryShape } from '../format/row-shapes.ts';
import { NODES_MAX } from '../limits.ts';
import type { Application } from './application.ts';
import { isRevoked } from './is-revoked.ts';

/** Result detail: `unchanged`. A name belongs to one node: a lost node loses it to the one that comes with it. */
export function registerNode(application: Application, command: RegisterNode): CommandResult {
  const { tables } = application;
  if (isRevoked(tables, command.id)) {
    return application.refuse('CELL_E_FORBIDDEN', `Node "${command.id}" was revoked; it can't come back`);
  }
  const before = tables.nodes.get(command.id);
  const namesake = tables.nodeByName(command.name);
  const taken = namesake !== undefined && namesake.id !== command.id;
  if (taken && namesake.status === 'ready') {
    return application.refuse(
      'CELL_E_CONFLICT',
      `The name "${command.name}" belongs to node "${namesake.id}", which is ready; ` +
        'give this node another name in its agent.toml, or stop the other agent and wait until its node is lost',
    );
  }
  if (before === undefined && !taken && tables.nodes.size >= NODES_MAX) {
    return application.refuse('CELL_E_LIMIT', `The fleet has ${NODES_MAX} nodes, and no more are allowed`);
  }
  // That a node was revoked is about its machine, and not about the one that comes in its place.
  const inherits = taken && !isRevoked(tables, namesake.id);
  const after = rowAfter(application, command, before, inherits ? namesake : before);
  if (before !== undefined && sameNode(before, after)) return application.done({ unchanged: true });
  if (taken) application.removeNode(namesake);
  application.putNode(after);
  if (before === undefined) {
    const { cpuMillis, memoryMib } = after.inventory;
    const offer = `${cpuMillis} cpu millis and ${memoryMib} MiB of memory`;
    application.event('NodeRegistered', `node/${after.name}`, `Registered with ${offer}`);
  } else if (before.status === 'lost') {
    application.event('NodeReady', `node/${after.name}`, 'Its agent is back');
  }
  return application.done({ unchanged: false });
}

/** `same`: the node that people know by this name; what they said of it holds on, also if its disk was replaced. */
function rowAfter(
  application: Application,
  command: RegisterNode,
  before: NodeRow | undefined,
  same: NodeRow | undefined,
): NodeRow {
  const stays = before?.status === 'ready';
  return {
    id: command.id,
    name: command.name,
    status: 'ready',
    statusMessage: stays ? before.statusMessage : '',
    statusChangedAtMs: stays ? before.statusChangedAtMs : application.timeMs,
    inventory: inventoryShape(command.inventory, 'inventory'),
    agentVersion: command.agentVersion,
    httpAddress: command.httpAddress,
    registeredAtMs: before?.registeredAtMs ?? application.timeMs,
    eligible: (before?.eligible ?? true) && (same?.eligible ?? true),
    drain: before?.drain ?? same?.drain,
    modifyIndex: application.index,
  };
}

function sameNode(before: NodeRow, after: NodeRow): boolean {
  return JSON.stringify({ ...before, modifyIndex: 0 }) === JSON.stringify({ ...after, modifyIndex: 0 });
}
