import { hostname, networkInterfaces } from 'node:os';
import { isLoopback, type RefuseKey } from '@cell/config';
import type { MemberAddress } from '../ports.ts';
import { hostOf } from './member-places.ts';

/** What a machine is known by. */
export interface Machine {
  readonly hostName: string;
  readonly addresses: readonly string[];
}

export function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
  return { hostName: hostname(), addresses };
}

/**
 * Which member this machine is: the one whose host is an address of this machine or its name. Names are not looked up:
 * what a name leads to can change, and who a member is must not. Undefined if that was refused.
 */
export function findOwnId(members: readonly MemberAddress[], machine: Machine, refuse: RefuseKey): number | undefined {
  const own = members.filter((member) => isHere(hostOf(member), machine));
  if (own.length === 1) return own[0]!.id;
  const all = members.map(hostOf).join(', ');
  if (own.length > 1) {
    const ids = own.map(({ id }) => id).join(', ');
    refuse(['members'], `(${all}) has several that are this machine: ${ids}. Say with "id" which one this member is`);
    return undefined;
  }
  const { hostName, addresses } = machine;
  const outside = addresses.filter((address) => !isLoopback(address) && !address.startsWith('fe80:'));
  refuse(
    ['members'],
    `(${all}) has none that is this machine, whose addresses are ${outside.join(', ') || 'loopback only'} and whose ` +
      `name is "${hostName}". Correct the list, or say with "id" which one this member is`,
  );
  return undefined;
}

function isHere(host: string, { hostName, addresses }: Machine): boolean {
  return isLoopback(host) || addresses.includes(host) || sameName(host, hostName);
}

/** With and without its domain is the same name. */
function sameName(left: string, right: string): boolean {
  const [one, other] = [left.toLowerCase(), right.toLowerCase()];
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}
