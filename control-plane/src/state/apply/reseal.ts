import { secretKey } from '../../model/identity.ts';
import type { CommandResult, Reseal } from '../commands.ts';
import type { Application } from './application.ts';

/** Result details: `sealed`, `leftOut`: how many values. What they hold stays, so versions and times do. */
export function reseal(application: Application, command: Reseal): CommandResult {
  const { tables, index } = application;
  let sealed = 0;
  for (const secret of command.secrets) {
    const row = tables.secrets.get(secretKey(secret));
    if (row === undefined || row.modifyIndex !== secret.modifyIndex) continue;
    application.putSecret({ ...row, sealed: secret.sealed, modifyIndex: index });
    sealed += 1;
  }
  for (const { id, sealedKey, modifyIndex } of command.authorities) {
    const row = tables.authorities.find((authority) => authority.id === id);
    if (row === undefined || row.modifyIndex !== modifyIndex) continue;
    application.putAuthority({ ...row, sealedKey, modifyIndex: index });
    sealed += 1;
  }
  return application.done({ sealed, leftOut: command.secrets.length + command.authorities.length - sealed });
}
