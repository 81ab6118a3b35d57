import { setTimeout } from 'node:timers/promises';
import { type CellClient, type Member, MemberKind } from '@cell/sdk';
import type { NemesisFleet } from '../fleet/nemesis-fleet.ts';
import type { NemesisMember } from '../fleet/nemesis-member.ts';
import type { Fault } from './fault.ts';
import { victims } from './victims.ts';

const CALL_MS_MAX = 2_000;
const RETRY_MS = 150;
/** While other faults come and go; and some time after the last one. */
const CHANGE_MS_MAX = 90_000;
/** How often a member is only added, and none is removed. */
const GROW_CHANCE = 0.3;

/** A new member joins and gets its vote, and mostly another one is removed, whatever else happens meanwhile. */
export const membership: Fault = async (stage, random) => {
  const { fleet } = stage;
  const order = await victims(stage, random);
  const grows = random.chance(GROW_CHANCE);
  const added = fleet.enlarge();
  if (added === undefined) return { what: 'there is no place for another member' };
  const removed = grows ? undefined : order[0];
  const work = changeMembers(fleet, added, removed);
  // It is looked at when all is healed.
  work.catch(() => undefined);
  const what = `adds member ${added.id}${removed === undefined ? '' : `, and removes member ${removed.id}`}`;
  return { what, heal: () => work };
};

async function changeMembers(fleet: NemesisFleet, added: NemesisMember, removed: NemesisMember | undefined) {
  const { id, grpcAddress, peerAddress, httpAddress } = added;
  const request = { id: BigInt(id), grpcAddress, peerAddress, httpAddress };
  await until(
    fleet,
    `member ${id} to be added`,
    (members) => kindOf(members, id) !== undefined,
    (client) => client.controlPlane.addMember(request, { attemptsMax: 1 }),
  );
  added.up();
  await until(
    fleet,
    `member ${id} to get its vote`,
    (members) => kindOf(members, id) === MemberKind.VOTER,
    (client) => client.controlPlane.promoteMember({ id: request.id }, { attemptsMax: 1 }),
  );
  if (removed === undefined) return;
  fleet.removes(removed);
  await until(
    fleet,
    `member ${removed.id} to be removed`,
    (members) => kindOf(members, removed.id) === undefined,
    (client) => client.controlPlane.removeMember({ id: BigInt(removed.id) }, { attemptsMax: 1 }),
  );
}

function kindOf(members: readonly Member[], id: number): MemberKind | undefined {
  return members.find((member) => member.id === BigInt(id))?.kind;
}

/** Asks for the change again and again, until some member says that it is as it should be. */
async function until(
  fleet: NemesisFleet,
  what: string,
  reached: (members: readonly Member[]) => boolean,
  change: (client: CellClient) => Promise<unknown>,
): Promise<void> {
  const endMs = performance.now() + CHANGE_MS_MAX;
  for (let attempts = 0; performance.now() < endMs; attempts += 1) {
    const { grpcAddress } = fleet.members[attempts % fleet.members.length] as NemesisMember;
    const client = fleet.operators([grpcAddress], CALL_MS_MAX);
    try {
      await change(client).catch(() => undefined);
      // Of its own knowledge, which may be old; but what it knows has happened.
      const { members } = await client.controlPlane.getControlPlaneStatus({}, { attemptsMax: 1 });
      if (reached(members)) return;
    } catch {
      // It is asked again, or another one is.
    } finally {
      client.close();
    }
    await setTimeout(RETRY_MS);
  }
  throw new Error(`Waited ${CHANGE_MS_MAX} ms for ${what}`);
}
