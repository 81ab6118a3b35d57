import type { CommandResult, RotateAuthority } from '../commands.ts';
import { AUTHORITIES_MAX } from '../limits.ts';
import type { Application } from './application.ts';
import { checkSealingKey } from './check-sealing-key.ts';

export function rotateAuthority(application: Application, { after, authority }: RotateAuthority): CommandResult {
  const { authorities } = application.tables;
  const issuing = authorities.at(-1);
  if (issuing === undefined || issuing.id !== after || authorities.some(({ id }) => id === authority.id)) {
    const now = issuing === undefined ? 'there is none' : `it is "${issuing.id}"`;
    const message = `The certificate authority that issues is not "${after}": ${now}; say "cellctl ca status" and try again`;
    return application.refuse('CELL_E_CONFLICT', message);
  }
  const outdated = checkSealingKey(application, authority.sealedKey, `The certificate authority "${authority.id}"`);
  if (outdated !== undefined) return outdated;
  if (authorities.length >= AUTHORITIES_MAX) {
    const message = `There are ${AUTHORITIES_MAX} certificate authorities, and no more are allowed`;
    return application.refuse('CELL_E_LIMIT', `${message}; retire one first: "cellctl ca retire ID"`);
  }
  application.putAuthority({ ...authority, createdAtMs: application.timeMs, modifyIndex: application.index });
  const message = `It issues from now on; "${after}" is trusted until it is retired`;
  application.event('AuthorityRotated', `authority/${authority.id}`, message);
  return application.done();
}
