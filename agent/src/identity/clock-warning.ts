import { CLOCK_SKEW_MS_MAX } from '@cell/identity';

/** Empty if both clocks agree well enough; else a sentence with both, in milliseconds since 1970. */
export function clockWarning(ownMs: number, memberMs: number): string {
  if (Math.abs(ownMs - memberMs) <= CLOCK_SKEW_MS_MAX) return '';
  const [own, member] = [ownMs, memberMs].map((timeMs) => new Date(timeMs).toISOString());
  const advice = 'Certificates need clocks that agree within 5 minutes; set the one that is wrong (timedatectl)';
  return `The clock of this machine says ${own}, and that of the control plane ${member}. ${advice}`;
}
