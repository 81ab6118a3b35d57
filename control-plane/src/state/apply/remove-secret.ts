import { secretKey } from '../../model/identity.ts';
import type { CommandResult, RemoveSecret } from '../commands.ts';
import type { Application } from './application.ts';

/** Also while jobs name it: what runs keeps the value, and what starts fails. */
export function removeSecret(application: Application, command: RemoveSecret): CommandResult {
  const key = secretKey(command);
  const row = application.tables.secrets.get(key);
  if (row === undefined) {
    const message = `There is no secret "${command.name}" in namespace "${command.namespace}"`;
    return application.refuse('CELL_E_NOT_FOUND', message);
  }
  application.removeSecret(row);
  application.event('SecretRemoved', `secret/${key}`, `Version ${row.version} was the last one`);
  return application.done();
}
