import type { FleetRooms } from './fleet-rooms.ts';
import type { InstanceSlot } from './job-slots.ts';
import type { NodeChoice, NodeChooser } from './node-choice.ts';

/** The node for an instance: for system jobs its own, else the best one, if possible where it did not fail before. */
export function chooseFor(slot: InstanceSlot, chooser: NodeChooser): NodeChoice | undefined {
  if (slot.nodeId !== undefined) return chooser.chooseOn(slot.nodeId);
  return chooser.choose(slot.failures.length === 0 ? undefined : new Set(slot.failures.map((row) => row.nodeId)));
}

/** As `chooseFor`, if the instance's present allocation were gone. */
export function choiceInPlaceOf(slot: InstanceSlot, chooser: NodeChooser, rooms: FleetRooms): NodeChoice | undefined {
  const { active } = slot;
  const room = active === undefined ? undefined : rooms.ofNode(active.nodeId);
  if (active === undefined || room === undefined) return chooseFor(slot, chooser);
  room.release(active);
  try {
    return chooseFor(slot, chooser);
  } finally {
    room.restore(active);
  }
}
