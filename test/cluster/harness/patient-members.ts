/**
 * Settings of members so patient that only a leader who is really gone is replaced, and not one that a busy machine holds
 * up. The first election takes as long.
 */
export function patientMembers(election: '2s' | '4s' | '6s'): string {
  return `[raft]\nelection = "${election}"\n`;
}
