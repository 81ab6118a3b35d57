import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../random.ts';
import { type Attack, portAttacks } from './attack-ports.ts';
import { type AttackedMember, startAttackedMember } from './attacked-member.ts';

const SEED = 'ports 1';
/** At the same time; each waits mostly. */
const AT_ONCE = 8;
const TIMES: Readonly<Record<string, number>> = {
  tls: 160,
  http: 160,
  'agent-http': 160,
  http2: 120,
  'http2-of-nodes': 80,
  'calls-of-people': 400,
  'calls-of-nodes': 120,
  'sessions-of-nodes': 120,
  'calls-of-members': 160,
};

/** What one kind of attack may leave behind in member and attacker, who share this process. */
const KEPT_MIB_MAX = 400;

let member: AttackedMember;
let attacks: readonly Attack[];
beforeAll(async () => {
  member = await startAttackedMember();
  attacks = await portAttacks(member);
});
afterAll(() => member?.stop());

/** What a caller is never to be told: that something failed for a reason that should not be. */
const WRONG = /CELL_E_INTERNAL|UNKNOWN: |UNAVAILABLE: /;

test.each(Object.keys(TIMES))('a member survives %s of any form, and says what is wrong with them', async (name) => {
  const attack = attacks.find((each) => each.name === name)!;
  const before = process.memoryUsage.rss();
  const wrong: string[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let number = next++; number < TIMES[name]!; number = next++) {
        const outcome = await attack.once(new Random(`${SEED} ${name} ${number}`));
        if (/^(calls|sessions)/.test(name) && WRONG.test(outcome)) wrong.push(`${number}: ${outcome}`);
      }
    }),
  );
  expect(wrong).toEqual([]);
  expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(KEPT_MIB_MAX);
  await member.client.fleet.getFleetStatus({});
  expect((await fetch(`http://127.0.0.1:${member.ports.agentHttp}/livez`)).status).toBe(200);
  expect(member.errors.filter(({ err, fatal }) => fatal !== undefined || isOwnFault(err))).toEqual([]);
});

/** Errors of JavaScript are faults of the program. */
function isOwnFault(error: unknown): boolean {
  const { type } = (error ?? {}) as { type?: unknown };
  return ['TypeError', 'RangeError', 'ReferenceError', 'InvariantError', 'StateError', 'Error'].includes(String(type));
}
