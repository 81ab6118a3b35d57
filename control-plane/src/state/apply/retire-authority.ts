import type { CommandResult, RetireAuthority } from '../commands.ts';
import type { Application } from './application.ts';

export function retireAuthority(application: Application, { id }: RetireAuthority): CommandResult {
  const { authorities } = application.tables;
  if (!authorities.some((row) => row.id === id)) {
    return application.refuse('CELL_E_NOT_FOUND', `There is no certificate authority "${id}"`);
  }
  if (authorities.at(-1)?.id === id) {
    const message = `The certificate authority "${id}" issues, so it can't be retired`;
    return application.refuse('CELL_E_CONFLICT', `${message}; say "cellctl ca rotate" first`);
  }
  application.removeAuthority(id);
  application.event('AuthorityRetired', `authority/${id}`, 'It is trusted no more');
  return application.done();
}
