import type { CommandResult, LeaderElected } from '../commands.ts';
import type { Application } from './application.ts';

export function leaderElected(application: Application, command: LeaderElected): CommandResult {
  application.event('LeaderElected', `control-plane/${command.member}`, `Member ${command.member} leads now`);
  return application.done();
}
