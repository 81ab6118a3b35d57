/**
 * Names of units as object paths: everything but letters and digits is written as "_" and two hex digits
 * (`sd_bus_path_encode(3)`); a digit at the beginning too.
 */
const UNITS = '/org/freedesktop/systemd1/unit/';

export function unitPath(name: string): string {
  const escaped = [...Buffer.from(name)].map((byte, index) => {
    const character = String.fromCharCode(byte);
    const plain = index === 0 ? /[A-Za-z]/.test(character) : /[A-Za-z0-9]/.test(character);
    return plain ? character : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return `${UNITS}${escaped.join('')}`;
}

/** Undefined if it is not the path of a unit. */
export function unitOfPath(path: string): string | undefined {
  if (!path.startsWith(UNITS)) return undefined;
  return path
    .slice(UNITS.length)
    .replaceAll(/_([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
