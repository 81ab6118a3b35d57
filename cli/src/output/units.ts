/** Numbers as people read them. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** "0s", "59s", "12m", "5h", "3d": one unit, rounded down. */
export function shortDuration(durationMs: number): string {
  if (durationMs < MINUTE_MS) return `${Math.max(0, Math.floor(durationMs / 1000))}s`;
  if (durationMs < HOUR_MS) return `${Math.floor(durationMs / MINUTE_MS)}m`;
  if (durationMs < DAY_MS * 2) return `${Math.floor(durationMs / HOUR_MS)}h`;
  return `${Math.floor(durationMs / DAY_MS)}d`;
}

/** "0.10", "2", "1.25" cores. */
export function cores(cpuMillis: number): string {
  return cpuMillis % 1000 === 0 ? String(cpuMillis / 1000) : (cpuMillis / 1000).toFixed(2);
}

/** "512 MiB", "3.5 GiB". */
export function memory(memoryMib: number): string {
  if (memoryMib < 1024) return `${memoryMib} MiB`;
  const gib = memoryMib / 1024;
  return `${Number.isInteger(gib) ? gib : gib.toFixed(1)} GiB`;
}

/** "1 node", "3 nodes". */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** "1.24 s". */
export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** "0 B", "1023 B", "1.5 KiB", "70.0 MiB". */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  let value = count / 1024;
  let place = 0;
  while (value >= 1023.95 && place < BYTE_UNITS.length - 1) {
    value /= 1024;
    place += 1;
  }
  return `${value.toFixed(1)} ${BYTE_UNITS[place]}`;
}
