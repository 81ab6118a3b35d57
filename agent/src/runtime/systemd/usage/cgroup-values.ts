/**
 * What the files of cgroups say: version 2 as in the kernel's cgroup-v2.rst, version 1 as in its cgroup-v1 folder. All
 * give undefined for what is not there: a value that is missing is not 0.
 */

export function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\n?$/.test(text) ? Number(text) : undefined;
}

/** "key value" lines. */
export function parseKeyed(text: string | undefined, key: string): number | undefined {
  const line = text?.split('\n').find((each) => each.startsWith(`${key} `));
  return parseNumber(line?.slice(key.length + 1));
}

export interface TransferredBytes {
  readonly read: number;
  readonly written: number;
}

/** `io.stat`: "8:0 rbytes=1 wbytes=2 rios=3 …", a line for each disk; none if nothing was read or written. */
export function parseIoStat(text: string | undefined): TransferredBytes | undefined {
  if (text === undefined) return undefined;
  return { read: sum(text, / rbytes=(\d+)/g), written: sum(text, / wbytes=(\d+)/g) };
}

/** `blkio.throttle.io_service_bytes`: "8:0 Read 1", "8:0 Write 2", … for each disk, and "Total 3". */
export function parseServiceBytes(text: string | undefined): TransferredBytes | undefined {
  if (text === undefined || !/^Total \d+$/m.test(text)) return undefined;
  return { read: sum(text, /^\d+:\d+ Read (\d+)$/gm), written: sum(text, /^\d+:\d+ Write (\d+)$/gm) };
}

/** `*.pressure`: the share of the last ten seconds in which some processes waited, in hundredths of a percent. */
export function parsePressure(text: string | undefined): number | undefined {
  const [, percent] = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text ?? '') ?? [];
  return percent === undefined ? undefined : Math.round(Number(percent) * 100);
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, bytes]) => total + Number(bytes), 0);
}
