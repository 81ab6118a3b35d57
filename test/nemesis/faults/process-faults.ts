import { setTimeout } from 'node:timers/promises';
import type { NemesisMember } from '../fleet/nemesis-member.ts';
import type { Fault, Stage } from './fault.ts';
import { named, victims } from './victims.ts';

/** Longer than a leader goes on without hearing of the others. */
const ALONE_MS = 1_000;

/** SIGKILL, and a start later on: one member, some, or all. */
export const kill: Fault = async (stage, random) => {
  const all = stage.fleet.members.length;
  const count = random.weighted([
    [6, 1],
    [3, Math.floor(all / 2)],
    [2, all],
  ]);
  const hurt = (await victims(stage, random)).slice(0, count);
  await Promise.all(hurt.map((member) => member.down()));
  return {
    what: `killed ${named(hurt)}`,
    heal: () => {
      for (const member of hurt) member.up();
    },
  };
};

/** SIGSTOP: the connections stay, nobody answers. */
export const pause: Fault = async (stage, random) => {
  const count = random.weighted([
    [3, 1],
    [1, Math.ceil(stage.fleet.members.length / 2)],
  ]);
  const order = await victims(stage, random);
  const hurt = order.slice(0, count).filter((member) => member.running);
  const alone = random.chance(0.5);
  const reconnect = alone ? cutOff(stage, hurt) : () => undefined;
  for (const member of hurt) member.pause();
  return {
    what: `stopped ${named(hurt)} for a while${alone ? ', to wake without news of the others' : ''}`,
    heal: async () => {
      for (const member of hurt) if (member.running) member.resume();
      // What a leader believes that has slept through an election, and hears nothing of it, must not reach clients.
      if (alone) await setTimeout(ALONE_MS);
      reconnect();
    },
  };
};

/** From the other members, not from clients. */
function cutOff({ fleet, links }: Stage, hurt: readonly NemesisMember[]): () => void {
  const others = fleet.members.filter((member) => !hurt.includes(member));
  const pairs = hurt.flatMap((one) => others.map((other) => [one.id, other.id] as const));
  return links.cut([...pairs, ...pairs.map(([from, to]) => [to, from] as const)]);
}
