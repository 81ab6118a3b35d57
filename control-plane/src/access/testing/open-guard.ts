import type { Caller, EnteredCall, Guard } from '../../ports.ts';
import { actorOf, methodNameOf } from '../actor.ts';

const anybody: Caller = {
  kind: 'person',
  tokenId: 'aaaaaaaaaa',
  name: 'anybody',
  role: 'admin',
  namespace: undefined,
  certificateExpiresAtMs: undefined,
};

/** Everybody is an admin, or who is given, and nothing is noted but by commands: for tests and measurements. */
export function openGuard(caller: Caller = anybody): Guard {
  return {
    enter: (method, call) => {
      const from = call.getPeer();
      const entered: EnteredCall = {
        caller,
        from,
        note: (subject) => ({ actor: actorOf(caller), method: methodNameOf(method), subject, from }),
        begun: () => {},
        begunNow: () => Promise.resolve(),
        part: () => entered,
        ended: () => {},
      };
      return entered;
    },
  };
}
