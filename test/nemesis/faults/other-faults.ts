import { setFakeClock } from '../../cluster/harness/fake-clock.ts';
import { Ballast } from './ballast.ts';
import type { Fault } from './fault.ts';
import { named, victims } from './victims.ts';

/** Within what certificates allow, and far beyond: then a member is cut off until its clock is right again. */
const JUMPS_SECONDS = [-30 * 86_400, -3600, -140, -1, 1, 140, 3600, 30 * 86_400] as const;
const TRANSFER_MS_MAX = 2_000;

/** The wall clocks of some members jump, and jump back. */
export const clock: Fault = async (stage, random) => {
  const hurt = (await victims(stage, random)).slice(0, random.whole(1, stage.fleet.members.length));
  const jumps = hurt.map((member) => ({ member, seconds: random.pick(JUMPS_SECONDS) }));
  const set = (seconds: (jump: (typeof jumps)[number]) => number) => {
    for (const jump of jumps)
      if (jump.member.clockFile !== undefined) setFakeClock(jump.member.clockFile, seconds(jump));
  };
  set(({ seconds }) => seconds);
  const what = `clocks jump: ${jumps.map(({ member, seconds }) => `member ${member.id} by ${seconds} s`).join(', ')}`;
  return { what, heal: () => set(() => 0) };
};

/** The disks of a minority are full; much is written. A member may end for it, and is started when there is room. */
export const disk: Fault = async (stage, random) => {
  const { fleet } = stage;
  const count = random.whole(1, Math.floor((fleet.members.length - 1) / 2));
  const hurt = (await victims(stage, random)).slice(0, Math.max(1, count));
  const again = random.chance(0.5);
  if (again) await Promise.all(hurt.map((member) => member.down()));
  for (const member of hurt) fleet.diskFull(member);
  if (again) for (const member of hurt) member.up();
  const ballast = new Ballast(fleet);
  return {
    what: `filled the disks of ${named(hurt)}${again ? ', and started them again' : ''}`,
    heal: async () => {
      for (const member of hurt) fleet.diskFree(member);
      await ballast.stop();
    },
  };
};

/** Leadership is handed over, if it can be. */
export const transfer: Fault = async ({ fleet }, random) => {
  const [asked, to] = [random.pick(fleet.members), random.pick(fleet.members)];
  const client = fleet.operators([asked.grpcAddress], TRANSFER_MS_MAX);
  const outcome = await client.controlPlane
    .transferLeadership({ to: BigInt(to.id) }, { attemptsMax: 1 })
    .then(
      ({ leaderId }) => `member ${leaderId} leads`,
      (error: unknown) => `refused: ${(error as Error).message}`,
    )
    .finally(() => client.close());
  return { what: `asked member ${asked.id} to hand leadership to member ${to.id}; ${outcome}` };
};
