import { setTimeout } from 'node:timers/promises';
import type { NemesisMember } from '../fleet/nemesis-member.ts';
import type { Cut } from '../network/links.ts';
import type { Fault } from './fault.ts';
import { named, victims } from './victims.ts';

const FLAP_MS_MIN = 40;
const FLAP_MS_MAX = 250;

/** Two groups that hear nothing of each other. */
export const partition: Fault = async (stage, random) => {
  const order = await victims(stage, random);
  const most = Math.floor(order.length / 2);
  // As many as there may be without a majority: they can do most harm to each other's word.
  const count = random.chance(0.5) ? most : random.whole(1, most);
  const [few, many] = [order.slice(0, count), order.slice(count)];
  const heal = stage.links.cut(bothWays(few, many));
  return { what: `cut off ${named(few)} from ${named(many)}`, heal };
};

/** One member is heard by the others and hears nothing, or the other way round. */
export const oneWay: Fault = async (stage, random) => {
  const [first, ...rest] = await victims(stage, random);
  const others = rest.slice(0, random.whole(1, rest.length));
  const cuts = between([first as NemesisMember], others);
  const deaf = random.chance(0.5);
  const heal = stage.links.cut(deaf ? cuts.map(([from, to]) => [to, from] as const) : cuts);
  const what = deaf
    ? `${named([first!])} hears nothing of ${named(others)}`
    : `${named([first!])} is not heard by ${named(others)}`;
  return { what, heal };
};

/** Each hears its neighbours on both sides, as many as make a majority; no two hear the same ones. */
export const ring: Fault = async (stage, random) => {
  const order = await victims(stage, random);
  const reach = Math.ceil((order.length - 1) / 4);
  const cuts = order.flatMap((from, place) =>
    order.flatMap((to, other): Cut[] => {
      const apart = Math.abs(place - other);
      return Math.min(apart, order.length - apart) > reach ? [[from.id, to.id]] : [];
    }),
  );
  const heal = stage.links.cut(cuts);
  return { what: `each hears only its neighbours in the ring ${order.map(({ id }) => id).join('-')}`, heal };
};

/** Two halves that only one member hears both of. */
export const bridge: Fault = async (stage, random) => {
  const [middle, ...rest] = await victims(stage, random);
  const half = Math.floor(rest.length / 2);
  const [one, other] = [rest.slice(0, half), rest.slice(half)];
  const heal = stage.links.cut(bothWays(one, other));
  return { what: `only ${named([middle!])} hears both ${named(one)} and ${named(other)}`, heal };
};

/** Links that fail for moments, now this one, now that one: packets are lost, and connections with them. */
export const flaky: Fault = async (stage, random) => {
  const ids = stage.fleet.members.map((member) => member.id);
  let healed = false;
  const flapping = (async () => {
    while (!healed) {
      const [from, to] = random.sample(ids, 2) as [number, number];
      const undo = stage.links.cut(
        random.chance(0.5)
          ? [[from, to]]
          : [
              [from, to],
              [to, from],
            ],
      );
      await setTimeout(random.between(FLAP_MS_MIN, FLAP_MS_MAX));
      undo();
    }
  })();
  return {
    what: 'links fail for moments',
    heal: () => {
      healed = true;
      return flapping;
    },
  };
};

/** Links of some members, or of all, become slow and lose packets. */
export const slow: Fault = async (stage, random) => {
  const hurt = (await victims(stage, random)).slice(0, random.whole(1, stage.fleet.members.length));
  const heal = stage.links.slow(hurt.map((member) => member.id));
  return { what: `slow links of ${named(hurt)} (${stage.links.slowness})`, heal };
};

function between(from: readonly NemesisMember[], to: readonly NemesisMember[]): Cut[] {
  return from.flatMap((one) => to.map((other): Cut => [one.id, other.id]));
}

function bothWays(some: readonly NemesisMember[], others: readonly NemesisMember[]): Cut[] {
  return [...between(some, others), ...between(others, some)];
}
