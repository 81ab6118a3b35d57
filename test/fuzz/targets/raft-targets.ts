/** What members of a cluster send each other, and what they keep on disk. */
import {
  CodecError,
  decodeConfChange,
  decodeMessages,
  encodeMessages,
  type Message,
  openLogStore,
  StorageError,
} from '@cell/raft';
import { MemoryFileSystem } from '@cell/raft/storage-testing';
import { coded, type FuzzTarget } from '../fuzz-target.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { openSegment, openSnapshotFile, sealSegment, sealSnapshotFile } from '../reseal.ts';

const EMPTY = new Uint8Array(0);
const conf = { voters: [1, 2, 3], learners: [4], votersOutgoing: [], learnersNext: [], autoLeave: true };
const MESSAGE: Message = {
  type: 'append',
  to: 1,
  from: 2,
  term: 3,
  logTerm: 2,
  index: 400,
  entries: [],
  commit: 399,
  vote: 0,
  snapshot: undefined,
  reject: false,
  rejectHint: 0,
  context: EMPTY,
  responses: [],
};

function entries(first: number, count: number) {
  return Array.from({ length: count }, (_, at) => {
    return { term: 3, index: first + at, type: 'normal', data: Buffer.from(`{"entry":${at}}`) } as const;
  });
}

const messages: FuzzTarget = {
  name: 'raft-messages',
  form: 'bytes',
  seeds: async () => [
    encodeMessages([{ ...MESSAGE, entries: entries(401, 5) }]),
    encodeMessages([
      { ...MESSAGE, type: 'heartbeat', context: Buffer.from('read') },
      { ...MESSAGE, type: 'vote', vote: 2 },
    ]),
    encodeMessages([{ ...MESSAGE, type: 'snapshot', snapshot: { meta: { index: 9, term: 2, conf }, data: EMPTY } }]),
    encodeMessages([{ ...MESSAGE, type: 'append-response', reject: true, rejectHint: 2 ** 40 }]),
  ],
  refuses: coded(CodecError),
  read: (input) => {
    const read = decodeMessages(input);
    // One value has one form, so what was read is written as it was, or shorter.
    if (encodeMessages(read).length > input.length) throw new Error('Written again it is longer');
  },
};

const confChanges: FuzzTarget = {
  name: 'membership-entries',
  form: 'bytes',
  seeds: async () => [Buffer.from([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4]), Buffer.from([1, 1, 0, 0, 0x61])],
  refuses: (error) => error instanceof Error && 'code' in error,
  read: (input) => decodeConfChange(input),
};

const DIRECTORY = '/data';
/** The file that an input stands for. */
const FILES = ['wal', 'snap'] as const;

function open(fileSystem: MemoryFileSystem) {
  return openLogStore({
    directory: DIRECTORY,
    identity: { clusterId: 'c', nodeId: 1 },
    bootstrap: { ...conf, learners: [], autoLeave: false },
    segmentBytes: 64 * 1024,
    fileSystem,
    lock: async () => async () => undefined,
  });
}

let grown: Promise<MemoryFileSystem> | undefined;

/** A log of some segments, and a snapshot. */
async function grow(): Promise<MemoryFileSystem> {
  const disk = new MemoryFileSystem();
  const store = await open(disk);
  for (let round = 0; round < 6; round += 1) {
    const first = store.lastIndex() + 1;
    const hardState = { term: 3, vote: 1, commit: Math.max(1, first - 1) };
    await store.append({ entries: entries(first, 20), hardState, sync: true });
  }
  const meta = { index: 50, term: 3, conf };
  async function* data() {
    yield Buffer.from('state '.repeat(2_000));
  }
  await store.createSnapshot(meta, data());
  await store.compact(20);
  await store.close();
  return disk;
}

async function nameOf(disk: MemoryFileSystem, ending: string): Promise<string> {
  return (await disk.list(DIRECTORY))
    .filter((name) => name.endsWith(ending))
    .sort()
    .at(-1)!;
}

/** Opens a member's folder, one of whose files holds other bytes. */
function storedFile(ending: (typeof FILES)[number]): FuzzTarget {
  return {
    name: ending === 'wal' ? 'log-files' : 'snapshot-files',
    form: 'bytes',
    seeds: async () => {
      grown ??= grow();
      const disk = await grown;
      const bytes = disk.bytesOf(`${DIRECTORY}/${await nameOf(disk, ending)}`);
      // The rest of the last segment is zeros.
      return [bytes.slice(0, Math.min(bytes.length, bytes.findLastIndex((byte) => byte !== 0) + 64))];
    },
    refuses: coded(StorageError),
    read: async (input) => {
      grown ??= grow();
      const disk = (await grown).crash();
      disk.replace(`${DIRECTORY}/${await nameOf(disk, ending)}`, input);
      const store = await open(disk);
      try {
        for await (const _ of store.readSnapshot(store.snapshot()));
      } finally {
        await store.close();
      }
    },
  };
}

/** Changes what a frame or the header holds, and moves frames about. */
function changedSegment(file: Uint8Array, number: number, random: Random): Buffer {
  const segment = openSegment(file);
  if (random.once(6)) {
    segment.header = Buffer.concat([
      segment.header.subarray(0, 16),
      mutate([segment.header.subarray(16)], 'bytes', random),
    ]);
    segment.header = Buffer.concat([segment.header, Buffer.alloc(512)]).subarray(0, 512);
    return sealSegment(segment, `c/1/${number}`);
  }
  const frame = random.pick(segment.frames);
  const change = random.below(10);
  if (change === 0) frame.kind = random.below(6);
  else if (change === 1) frame.sequence += random.pick([-1, 1, 1_000]);
  else frame.payload = mutate([frame.payload], 'bytes', random);
  if (random.once(10)) segment.frames.push(random.pick(segment.frames));
  return sealSegment(segment, `c/1/${number}`);
}

/** As `storedFile`, but with the right checksums, so that what they guard is read. */
function sealedFile(ending: (typeof FILES)[number]): FuzzTarget {
  const plain = storedFile(ending);
  let file: Uint8Array = EMPTY;
  let number = 0;
  return {
    ...plain,
    name: ending === 'wal' ? 'log-frames' : 'snapshot-headers',
    seeds: async () => {
      grown ??= grow();
      number = Number.parseInt(/\d+/.exec(await nameOf(await grown, ending))?.[0] ?? '', 10);
      file = (await plain.seeds())[0]!;
      const again =
        ending === 'wal' ? sealSegment(openSegment(file), `c/1/${number}`) : sealSnapshotFile(openSnapshotFile(file));
      if (Buffer.compare(again, file.subarray(0, again.length)) !== 0)
        throw new Error('Sealed again it is another file');
      return [file];
    },
    madeOnly: true,
    make: (random) => {
      if (ending === 'wal') return changedSegment(file, number, random);
      const snapshot = openSnapshotFile(file);
      snapshot.data = random.once(4) ? Buffer.alloc(random.below(3)) : snapshot.data.subarray(0, 100);
      snapshot.fields = mutate([snapshot.fields], 'bytes', random);
      return sealSnapshotFile(snapshot);
    },
  };
}

export const raftTargets: readonly FuzzTarget[] = [
  messages,
  confChanges,
  ...FILES.map(storedFile),
  ...FILES.map(sealedFile),
];
