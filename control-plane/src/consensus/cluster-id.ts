import { createHash } from 'node:crypto';
import type { MemberAddress } from '../ports.ts';

const ID_CHARACTERS = 16;

/**
 * The cluster's id follows from its name and founding members, so that all of them come to the same one without
 * talking, and no configuration with other founders can join by accident. Order and other settings don't matter.
 */
export function clusterIdOf(name: string, founders: readonly MemberAddress[]): string {
  const members = founders.map(({ id, peers }) => [id, peers] as const).sort((left, right) => left[0] - right[0]);
  const digest = createHash('sha256').update(JSON.stringify(['cell', 1, name, members]));
  return digest.digest('hex').slice(0, ID_CHARACTERS);
}
