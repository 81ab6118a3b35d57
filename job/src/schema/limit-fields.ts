import type { Limits } from '../job-spec.ts';
import { cpuCores } from './cpu-cores.ts';
import type { FieldSchemas } from './field-schema.ts';
import { memorySize } from './memory-size.ts';
import { CORES_MAX, MEMORY_MIB_MAX } from './placement-fields.ts';
import { orZero } from './value-type.ts';
import { wholeNumber } from './whole-number.ts';

const memory = orZero(memorySize({ minMib: 1, maxMib: MEMORY_MIB_MAX }));
const weight = orZero(wholeNumber({ min: 1, max: 10_000 }));
/** Process ids of Linux on 64 bits. */
const TASKS_MAX = 4_194_304;
/** What the kernel allows if nobody changed it (fs.nr_open); below the least no program starts. */
const FILES_MAX = 1_048_576;
const FILES_MIN = 16;

export const limitFields: FieldSchemas<Limits> = {
  memoryMaxMib: {
    key: 'memory_max',
    type: memory,
    default: 0,
    defaultText: 'no limit',
    doc:
      'An instance that takes more is killed, and the reason says so. At least `resources.memory`: what is set aside ' +
      'for it, it may use.',
    example: '"512MiB"',
  },
  memoryHighMib: {
    key: 'memory_high',
    type: memory,
    default: 0,
    defaultText: 'no limit',
    doc: 'An instance that takes more is slowed down and made to give memory back. At most `memory_max`.',
    example: '"384MiB"',
  },
  cpuMaxMillis: {
    key: 'cpu_max',
    type: orZero(cpuCores({ minMillis: 10, maxMillis: CORES_MAX * 1000 })),
    default: 0,
    defaultText: 'no limit',
    doc: 'Processor time it gets at most, in cores, also when the node is idle. At least `resources.cpu`.',
    example: '1.5',
  },
  cpuWeight: {
    key: 'cpu_weight',
    type: weight,
    default: 0,
    defaultText: "the system's own: `100`",
    doc: 'Its share of processor time when there is not enough for all: twice the weight is twice the time.',
    example: '200',
  },
  ioWeight: {
    key: 'io_weight',
    type: weight,
    default: 0,
    defaultText: "the system's own: `100`",
    doc: 'Its share of disk reads and writes when there is not enough for all, on disks that can share them out.',
    example: '50',
  },
  tasksMax: {
    key: 'tasks_max',
    type: orZero(wholeNumber({ min: 1, max: TASKS_MAX })),
    default: 0,
    defaultText: "the system's own",
    doc: 'Processes and threads. It can start no more than these.',
    example: '64',
  },
  filesMax: {
    key: 'files_max',
    type: orZero(wholeNumber({ min: FILES_MIN, max: FILES_MAX })),
    default: 0,
    defaultText: "the system's own",
    doc: 'Files, sockets and the like that each of its processes can have open.',
    example: '4096',
  },
};
