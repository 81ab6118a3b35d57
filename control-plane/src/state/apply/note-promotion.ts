import type { CommandResult, NotePromotion } from '../commands.ts';
import type { Application } from './application.ts';

export function notePromotion(application: Application, { id }: NotePromotion): CommandResult {
  application.event('MemberPromoted', `control-plane/${id}`, `Member ${id} votes from now on`);
  return application.done();
}
