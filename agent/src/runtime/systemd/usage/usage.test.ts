import { expect, test } from 'vitest';
import { parseHierarchies } from './cgroup-hierarchies.ts';
import { parseIoStat, parseKeyed, parseNumber, parsePressure, parseServiceBytes } from './cgroup-values.ts';
import { UsageReader } from './read-usage.ts';

/** Recorded from machines. */
const PURE = '25 22 0:23 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const HYBRID = `227 292 0:65 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:90 - tmpfs tmpfs rw,size=4096k
228 227 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
229 227 0:35 / /sys/fs/cgroup/blkio rw,nosuid,nodev shared:92 - cgroup cgroup rw,blkio
230 227 0:36 / /sys/fs/cgroup/pids rw,nosuid shared:93 - cgroup cgroup rw,pids
232 227 0:32 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
236 227 0:38 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup rw
237 227 0:37 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,name=systemd
40 41 0:1 / /odd\\040place rw - ext4 /dev/sda1 rw`;
const UNIT = '/cell.slice/cell-web-a.service';

test.each([
  ['pure', PURE, '/sys/fs/cgroup', undefined],
  ['hybrid', HYBRID, '/sys/fs/cgroup/unified', '/sys/fs/cgroup/cpu,cpuacct'],
  ['none', '', undefined, undefined],
])('parseHierarchies() finds what is mounted: %s', (_what, mountinfo, unified, cpuacct) => {
  const found = parseHierarchies(mountinfo);
  expect([found.unified, found.controllers.get('cpuacct')]).toEqual([unified, cpuacct]);
});

test('parseHierarchies() reads places with blanks', () => {
  expect(parseHierarchies(PURE.replace('/sys/fs/cgroup ', '/odd\\040place ')).unified).toBe('/odd place');
});

test.each<[string, unknown, unknown]>([
  ['a number', parseNumber('573440\n'), 573_440],
  ['a limit that is none', parseNumber('max\n'), undefined],
  ['a file that is missing', parseNumber(undefined), undefined],
  ['an empty file', parseNumber(''), undefined],
  ['a key', parseKeyed('usage_usec 6248\nuser_usec 0\n', 'usage_usec'), 6_248],
  ['a key that another begins with', parseKeyed('oom_kill_disable 0\nunder_oom 0\noom_kill 3\n', 'oom_kill'), 3],
  ['a key that is missing', parseKeyed('usage_usec 6248\n', 'nr_periods'), undefined],
  [
    'io.stat of two disks',
    parseIoStat('8:0 rbytes=90112 wbytes=1 rios=4 wios=0 dbytes=7 dios=0\n253:1 rbytes=2 wbytes=3 rios=1\n'),
    { read: 90_114, written: 4 },
  ],
  ['io.stat before anything was read', parseIoStat(''), { read: 0, written: 0 }],
  ['no io.stat', parseIoStat(undefined), undefined],
  [
    'service bytes of two disks',
    parseServiceBytes('8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 1\n8:16 Write 2\nTotal 33\n'),
    { read: 11, written: 22 },
  ],
  ['service bytes before anything was read', parseServiceBytes('Total 0\n'), { read: 0, written: 0 }],
  ['no service bytes', parseServiceBytes(undefined), undefined],
  ['pressure', parsePressure('some avg10=12.34 avg60=0.00 avg300=0.00 total=1\nfull avg10=5.00 avg60=0\n'), 1_234],
  ['no pressure', parsePressure(''), undefined],
])('%s is read as it is', (_what, read, expected) => {
  expect(read).toEqual(expected);
});

const STAT =
  '235 (sl) eep) S 1 235 235 0 -1 4194560 616 0 1 0 7 3 0 0 20 0 1 0 2390000 5000000 150 18446744073709551615\n';
const UNITS = { ticksPerSecond: 100, pageBytes: 4_096 };

function usageOf(mountinfo: string, files: Readonly<Record<string, string>>): unknown {
  return new UsageReader(UNITS, (path) => files[path], mountinfo).usage(UNIT, 5);
}

function below(place: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${place}${UNIT}/${name}`, text]));
}

const VERSION_2 = below('/sys/fs/cgroup', {
  'cgroup.procs': '235\n',
  'cpu.stat': 'usage_usec 6248000\nuser_usec 0\nsystem_usec 6248\n',
  'memory.current': '10000000\n',
  'memory.stat': 'anon 1\nfile 9000000\ninactive_anon 4\ninactive_file 4000000\n',
  'memory.events': 'low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n',
  'pids.current': '3\n',
  'io.stat': '8:0 rbytes=100 wbytes=200 rios=1 wios=1 dbytes=0 dios=0\n',
  'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=4768\n',
  'memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  'io.pressure': 'some avg10=100.00 avg60=0.00 avg300=0.00 total=0\n',
});
const VERSION_1 = {
  ...below('/sys/fs/cgroup/unified', { 'cgroup.procs': '235\n' }),
  ...below('/sys/fs/cgroup/cpu,cpuacct', { 'cpuacct.usage': '6248000000\n' }),
  ...below('/sys/fs/cgroup/memory', {
    'memory.usage_in_bytes': '10000000\n',
    'memory.stat': 'cache 9000000\ninactive_file 1\ntotal_inactive_file 4000000\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  }),
  ...below('/sys/fs/cgroup/pids', { 'pids.current': '3\n' }),
  ...below('/sys/fs/cgroup/blkio', {
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 100\n8:0 Write 200\nTotal 300\n',
  }),
};
const COMMON = { cpuTimeMs: 6_248, memoryBytes: 6_000_000, processes: 3, readAtMs: 5 };

test('UsageReader tells the same of both versions, and pressure where there is any', () => {
  const rest = { ioReadBytes: 100, ioWriteBytes: 200, oomKills: 1 };
  const pressure = { cpu: 150, memory: 0, io: 10_000 };
  expect(usageOf(PURE, VERSION_2)).toEqual({ ...COMMON, ...rest, pressure });
  expect(usageOf(HYBRID, VERSION_1)).toEqual({ ...COMMON, ...rest });
});

test('UsageReader leaves out what the machine does not tell, and counts processes where it tells nothing', () => {
  const place = `/sys/fs/cgroup${UNIT}`;
  const files = { [`${place}/cgroup.procs`]: '235\n236\n', '/proc/235/stat': STAT };
  expect(usageOf(PURE, files)).toEqual({ cpuTimeMs: 100, memoryBytes: 150 * 4_096, processes: 1, readAtMs: 5 });
  const withTime = { ...files, [`${place}/cpu.stat`]: 'usage_usec 7000\n' };
  expect(usageOf(PURE, withTime)).toMatchObject({ cpuTimeMs: 7, processes: 1 });
});

test('UsageReader knows nothing of a unit that is gone', () => {
  expect(usageOf(PURE, {})).toBeUndefined();
});
