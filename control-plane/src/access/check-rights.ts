import { CellError } from '../cell-error.ts';
import type { PersonRole } from '../model/identity.ts';
import type { Caller } from '../ports.ts';
import type { MethodRights } from './method-rights.ts';

const ranks: Readonly<Record<PersonRole, number>> = { viewer: 1, operator: 2, admin: 3 };

/** Throws `CELL_E_UNAUTHENTICATED` or `CELL_E_FORBIDDEN`. Pure. `method`: its name, for people. */
export function checkRights(caller: Caller, { who, limited, expired }: MethodRights, method: string): void {
  if (who === 'anybody') return;
  if (caller.kind === 'nobody') throw unauthenticated(who);
  if (caller.kind === 'node') checkNode(caller, who, expired, method);
  else if (caller.kind === 'member') {
    if (who !== 'member') throw forbidden(`Member "${caller.id}" may not call ${method}: members call members only`);
  } else checkPerson(caller, who, limited, method);
}

function unauthenticated(who: MethodRights['who']): CellError {
  const advice =
    who === 'node'
      ? 'an agent calls with the certificate that it got when it joined'
      : who === 'member'
        ? 'members call each other with their certificates'
        : 'log in with "cellctl login", or give a token ("cellctl token create" makes one)';
  return new CellError('CELL_E_UNAUTHENTICATED', `The call does not say who makes it: ${advice}`);
}

function checkNode(caller: Caller & { kind: 'node' }, who: string, expired: boolean, method: string): void {
  if (who !== 'node') {
    throw forbidden(`Node "${caller.id}" may not call ${method}: nodes speak for themselves, and call nothing else`);
  }
  if (!caller.expired || expired) return;
  const message = `The certificate of node "${caller.id}" has ended: it may be renewed, and nothing else done with it`;
  throw new CellError('CELL_E_UNAUTHENTICATED', message, { refusal: 'certificate-ended' });
}

function checkPerson(
  caller: Caller & { kind: 'person' },
  who: MethodRights['who'],
  limited: MethodRights['limited'],
  method: string,
): void {
  const token = `Token "${caller.name}"`;
  if (who === 'node' || who === 'member' || who === 'anybody') {
    throw forbidden(`${token} may not call ${method}: only ${who === 'node' ? 'agents' : 'members'} do`);
  }
  if (ranks[caller.role] < ranks[who]) {
    const message = `${token} has the role "${caller.role}", and ${method} needs "${who}"; ask an admin for another one`;
    throw forbidden(message);
  }
  if (caller.namespace === undefined || limited === 'own-namespace') return;
  throw forbidden(
    `${token} is limited to the namespace "${caller.namespace}", and ${method} is about what all share; use one without a limit`,
  );
}

function forbidden(message: string): CellError {
  return new CellError('CELL_E_FORBIDDEN', message);
}
