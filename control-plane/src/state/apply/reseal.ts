import { sealingKeyInForce, sealingKeyOf, secretKey } from '../../model/identity.ts';
import type { CommandResult, Reseal } from '../commands.ts';
import type { Application } from './application.ts';

/**
 * Result details: `sealed`, `leftOut`: how many values. What they hold stays, so versions and times do.
 *
 * The issuing authority brings its key into force. All else must follow it: who changes the key at the same time as
 * another member does has its values left out once it is overtaken.
 */
export function reseal(application: Application, command: Reseal): CommandResult {
  const { tables } = application;
  const issuingId = tables.authorities.at(-1)?.id;
  let sealed = 0;
  for (const said of command.authorities) if (said.id === issuingId) sealed += resealAuthority(application, said);
  const inForce = sealingKeyInForce(tables.authorities);
  const follows = (text: string) => inForce === undefined || sealingKeyOf(text) === inForce;
  for (const said of command.authorities) {
    if (said.id !== issuingId && follows(said.sealedKey)) sealed += resealAuthority(application, said);
  }
  for (const said of command.secrets) if (follows(said.sealed)) sealed += resealSecret(application, said);
  return application.done({ sealed, leftOut: command.secrets.length + command.authorities.length - sealed });
}

/** Gives how many were sealed: 0 or 1. */
function resealAuthority(application: Application, said: Reseal['authorities'][number]): number {
  const { id, sealedKey, modifyIndex } = said;
  const row = application.tables.authorities.find((authority) => authority.id === id);
  if (row === undefined || row.modifyIndex !== modifyIndex) return 0;
  application.putAuthority({ ...row, sealedKey, modifyIndex: application.index });
  return 1;
}

function resealSecret(application: Application, said: Reseal['secrets'][number]): number {
  const row = application.tables.secrets.get(secretKey(said));
  if (row === undefined || row.modifyIndex !== said.modifyIndex) return 0;
  application.putSecret({ ...row, sealed: said.sealed, modifyIndex: application.index });
  return 1;
}
