/** Clocks of two machines that differ: how much is allowed, and what a person is told beyond. Pure. */

/** Members, nodes and people work with clocks that differ by so much. */
export const CLOCK_SKEW_MS_MAX = 5 * 60_000;

/** Certificates begin so long before they are made: clocks may differ, and a little is for the way. */
export const CERTIFICATE_BEGINS_BEFORE_MS = CLOCK_SKEW_MS_MAX + 10_000;

/** What to do about it: the end of a sentence. */
const CLOCK_ADVICE = 'Set the wrong one right (timedatectl)';

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
] as const;
/** Of a unit; what is less is told in the next one. */
const UNITS_MIN = 2;

/** How far apart two times are, for people: "10 minutes", "3 hours", "2 days". Milliseconds. */
function gapText(oneMs: number, otherMs: number): string {
  const gapMs = Math.abs(oneMs - otherMs);
  const unit = UNITS.find(({ ms }) => gapMs >= UNITS_MIN * ms) ?? UNITS[2];
  const count = Math.max(1, Math.round(gapMs / unit.ms));
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`;
}

/**
 * What follows the name of a certificate that begins later than now. Who made it did so no earlier than its clock
 * allowed, so the clocks differ by what is said or more: the certificate need not be new.
 */
export function beginsLaterText(beginsAtMs: number, nowMs: number): string {
  const gap = gapText(beginsAtMs + CERTIFICATE_BEGINS_BEFORE_MS, nowMs);
  return (
    `begins at ${timeText(beginsAtMs)}, and here it is ${timeText(nowMs)}: the clocks differ by more than 5 minutes, ` +
    `by about ${gap} or more. ${CLOCK_ADVICE}`
  );
}

/** What is wrong between the clock of a machine that asks and our own; undefined if they agree well enough. */
export function clockProblem(theirMs: number, ownMs: number): string | undefined {
  if (Math.abs(theirMs - ownMs) <= CERTIFICATE_BEGINS_BEFORE_MS) return undefined;
  const side = theirMs > ownMs ? 'ahead of' : 'behind';
  return (
    `The clock of the machine that asks says ${timeText(theirMs)}. That is about ${gapText(theirMs, ownMs)} ${side} the ` +
    `control plane's ${timeText(ownMs)}, and clocks may differ by 5 minutes. ${CLOCK_ADVICE}`
  );
}

/** To tell whether two sentences say the same, but for when they were said. */
export function withoutTimes(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
}

/** Of a time that may be anything that another machine says. */
function timeText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? 'no date at all' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
