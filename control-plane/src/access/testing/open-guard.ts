import type { Metadata } from '@grpc/grpc-js';
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

/** Metadata by which an agent says which node it is, to a guard that believes it. */
export const OPEN_GUARD_NODE = 'open-guard-node';

/** Metadata by which a person says which token it came with; without it, all came with the same one. */
export const OPEN_GUARD_TOKEN = 'open-guard-token';

/** Everybody is an admin, or who is given, or the node that an agent says it is; and nothing is noted but by commands: for tests and measurements. */
export function openGuard(given: Caller = anybody): Guard {
  return {
    enter: (method, call) => {
      const node = call.metadata.get(OPEN_GUARD_NODE)[0];
      const caller: Caller =
        node === undefined ? personOf(given, call.metadata) : { kind: 'node', id: String(node), expired: false };
      const from = call.getPeer();
      const entered: EnteredCall = {
        caller,
        from,
        confirm: () => {},
        admit: (_, pass) => {
          pass();
          return () => {};
        },
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

function personOf(given: Caller, metadata: Metadata): Caller {
  const token = metadata.get(OPEN_GUARD_TOKEN)[0];
  return given.kind === 'person' && token !== undefined ? { ...given, tokenId: String(token) } : given;
}
