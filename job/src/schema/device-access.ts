import { checked, type Reading, refuse, type ValueType } from './value-type.ts';

const PATH_LENGTH_MAX = 200;
/** Access in one order only, so that equal ones are equal as text. The path may have colons, as those of USB do. */
const WITH_ACCESS = /^(.+):(r?w?m?)$/;
const PATH = /^\/dev(\/(?!\.\.?(\/|$))[A-Za-z0-9._:@+,=#-]+)+$/;

const ALLOWED =
  'the path of a device, such as "/dev/kvm" or "/dev/ttyUSB0:r" ' +
  `(below /dev/, at most ${PATH_LENGTH_MAX} characters; after ":" some of r, w and m in this order, else it is rw)`;

/** A device and what may be done with it: "PATH" or "PATH:ACCESS" in a file, "PATH:ACCESS" in a JobSpec. */
export const deviceAccess: ValueType<string> = {
  allowed: ALLOWED,
  toFile: (value) => value,
  check,
  read: (value): Reading<string> => {
    if (typeof value !== 'string') return { refusals: refuse(value, ALLOWED) };
    const whole = WITH_ACCESS.test(value) || !PATH.test(value) ? value : `${value}:rw`;
    return checked(
      whole,
      check(whole).map((refusal) => ({ ...refusal, value })),
    );
  },
};

function check(value: unknown): ReturnType<ValueType<string>['check']> {
  const [, path = '', access = ''] = typeof value === 'string' ? (WITH_ACCESS.exec(value) ?? []) : [];
  const fits = access !== '' && path.length <= PATH_LENGTH_MAX && PATH.test(path);
  return fits ? [] : refuse(value, ALLOWED);
}
