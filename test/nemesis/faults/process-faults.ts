import type { Fault } from './fault.ts';
import { named, victims } from './victims.ts';

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
  const hurt = (await victims(stage, random)).slice(0, count).filter((member) => member.running);
  for (const member of hurt) member.pause();
  return {
    what: `stopped ${named(hurt)} for a while`,
    heal: () => {
      for (const member of hurt) if (member.running) member.resume();
    },
  };
};
