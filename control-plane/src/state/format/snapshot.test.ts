import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Placement } from '../commands.ts';
import { SNAPSHOT_CHUNK_BYTES_MAX } from '../limits.ts';
import { StateError } from '../state-error.ts';
import { examplePlacement, historyArbitrary, TestFleet } from '../testing/fleet-arbitraries.ts';
import {
  exampleAuthority,
  exampleJoin,
  exampleJoinToken,
  exampleNote,
  exampleToken,
} from '../testing/identity-arbitraries.ts';
import { restoreTables } from './restore-tables.ts';
import { captureTables } from './snapshot.ts';

function everything(): TestFleet {
  const fleet = new TestFleet();
  fleet.found(1, 2, 3);
  fleet.node('n1');
  fleet.node('n2');
  fleet.submit({ count: 2, environment: { GREETING: 'grüß dich' } });
  fleet.submit({ name: 'health', health: undefined });
  fleet.place({ id: 'a0', ports: { http: 20_000 } });
  fleet.place({ id: 'a1', instance: 1, nodeId: 'id-n2' });
  fleet.report('a1', 'failed', { message: 'Exit code 1', restarts: 3 });
  fleet.apply({ kind: 'write-mark', drillId: 'd1', sequence: 4 });
  const failure = { count: 1, reasons: [{ reason: 'full', nodes: 2 }], hint: '' };
  fleet.apply({ kind: 'apply-plan', placements: [], stops: [], unplaced: [{ job: 'web', failure }] });
  return fleet;
}

const rowsOf = ({ tables }: TestFleet) => ({
  index: tables.index,
  members: new Map(tables.members),
  recoveries: [...tables.recoveries],
  nodes: new Map(tables.nodes),
  drainingNodes: new Set(tables.drainingNodes),
  jobs: new Map(tables.jobs),
  allocations: new Map(tables.allocations),
  drills: new Map(tables.drills),
  events: [...tables.events],
  tokens: new Map(tables.tokens),
  nodeIdentities: new Map(tables.nodeIdentities),
  authorities: tables.authorities,
  secrets: new Map(tables.secrets),
  audit: [...tables.audit],
  auditAnchor: tables.auditAnchor,
  versions: new Map(
    [...tables.jobs.keys()].flatMap((job) =>
      [...tables.versionsOfJob(job)].map((row) => [`${job}@${row.version}`, row]),
    ),
  ),
});

const textOf = (fleet: TestFleet) => Buffer.concat([...captureTables(fleet.tables)]).toString();

test('restoring what was captured gives the same tables', async () => {
  await fc.assert(
    fc.asyncProperty(historyArbitrary, async (history) => {
      const fleet = new TestFleet();
      for (const command of history) fleet.apply(command);
      const restored = new TestFleet(await restoreTables(captureTables(fleet.tables)));
      expect(rowsOf(restored)).toStrictEqual(rowsOf(fleet));
      expect(textOf(restored)).toBe(textOf(fleet));
    }),
    { numRuns: 40 },
  );
});

test('chunks may be cut anywhere, also within a character', async () => {
  const fleet = everything();
  const bytes = Buffer.from(textOf(fleet));
  for (const size of [1, 7, 1000]) {
    const chunks: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += size) chunks.push(bytes.subarray(from, from + size));
    expect(rowsOf(new TestFleet(await restoreTables(chunks)))).toStrictEqual(rowsOf(fleet));
  }
});

test('a chunk that its giver uses again does no harm', async () => {
  const fleet = everything();
  const buffer = new Uint8Array(16);
  function* reused() {
    const bytes = Buffer.from(textOf(fleet));
    for (let from = 0; from < bytes.length; from += buffer.length) {
      const part = bytes.subarray(from, from + buffer.length);
      buffer.set(part);
      yield buffer.subarray(0, part.length);
    }
  }
  expect(rowsOf(new TestFleet(await restoreTables(reused())))).toStrictEqual(rowsOf(fleet));
});

test('a capture shows the moment in which it was taken, whatever is applied meanwhile', () => {
  const fleet = everything();
  const expected = textOf(fleet);
  const captured = captureTables(fleet.tables);
  fleet.lose('n1');
  fleet.submit({ name: 'late' });
  fleet.apply({ kind: 'write-mark', drillId: 'd1', sequence: 5 });
  expect(Buffer.concat([...captured]).toString()).toBe(expected);
});

test('the order in which rows came does not show', () => {
  const [one, other] = [new TestFleet(), new TestFleet()];
  const first = () => one.node('n1');
  for (const names of [
    ['n1', 'n2'],
    ['n2', 'n1'],
  ] as const) {
    const fleet = names[0] === 'n1' ? one : other;
    const inventory = { attributes: names[0] === 'n1' ? { a: '1', b: '2' } : { b: '2', a: '1' } };
    for (const name of names) fleet.node(name, inventory);
  }
  expect(first().ok).toBe(true);
  const nodeLines = (fleet: TestFleet) => {
    const neutral = textOf(fleet).replaceAll(/"(modifyIndex|registeredAtMs|statusChangedAtMs)":\d+/g, '"$1":0');
    return neutral.split('\n').slice(1, 3);
  };
  one.node('n1', { attributes: { a: '1', b: '2' } });
  expect(nodeLines(one)).toEqual(nodeLines(other));
});

test('no chunk is larger than the limit, also when one row is', () => {
  const fleet = everything();
  fleet.submit({ name: 'large', environment: { TEXT: 'ü'.repeat(SNAPSHOT_CHUNK_BYTES_MAX) } });
  const sizes = [...captureTables(fleet.tables)].map((chunk) => chunk.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(SNAPSHOT_CHUNK_BYTES_MAX);
});

test('a record may have a key that objects have of their own', async () => {
  const fleet = everything();
  const text = textOf(fleet)
    .replaceAll('{"GREETING":', '{"__proto__":')
    .replace('{"http":20000}', '{"__proto__":20000}');
  const restored = new TestFleet(await restoreTables([Buffer.from(text)]));
  expect(textOf(restored)).toBe(text);
  expect(text.split('"__proto__":').length).toBeGreaterThan(2);
});

const lines = () => textOf(everything()).split('\n').slice(0, -1);
/** With that line again in place of the next of its table. */
const twice = (line: string) => {
  const all = lines();
  const place = all.indexOf(line);
  return `${all.with(place + 1, line).join('\n')}\n`;
};
const damages: readonly (readonly [name: string, text: () => string])[] = [
  ['nothing', () => ''],
  ['a missing end', () => `${lines().slice(0, -1).join('\n')}\n`],
  ['an unfinished last line', () => lines().join('\n')],
  ['a missing row', () => `${lines().toSpliced(3, 1).join('\n')}\n`],
  [
    'a doubled row',
    () =>
      `${lines()
        .toSpliced(2, 0, lines()[1] ?? '')
        .join('\n')}\n`,
  ],
  ['a doubled allocation', () => twice(lines().find((line) => line.includes('"placementReason"')) ?? '')],
  ['something after the end', () => `${lines().join('\n')}\n{}\n`],
  ['the beginning of something after the end', () => `${lines().join('\n')}\n{`],
  ['another format', () => `${lines().join('\n')}\n`.replace('cell-fleet', 'other')],
  ['a newer format version', () => `${lines().join('\n')}\n`.replace('"version":3', '"version":4')],
  ['a state that does not exist', () => `${lines().join('\n')}\n`.replace('"state":"failed"', '"state":"fallen"')],
  ['a number that is a text', () => `${lines().join('\n')}\n`.replace('"cpuMillis":500', '"cpuMillis":"500"')],
  ['a row cut short', () => `${lines().join('\n')}\n`.replace('"restarts":3,', '')],
  ['a job that is not there', () => `${lines().join('\n')}\n`.replace('"job":"web"', '"job":"gone"')],
];

test.each(damages)('a snapshot with %s is refused as damaged', async (_name, text) => {
  const error: unknown = await restoreTables([Buffer.from(text())]).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(StateError);
  expect(error).toMatchObject({ code: 'CELL_E_SNAPSHOT_DAMAGED' });
});

test('tables with 20,000 allocations are captured in slices of a few milliseconds', () => {
  const fleet = new TestFleet();
  fleet.node('n1', { cpuMillis: 100_000_000, memoryMib: 100_000_000 });
  fleet.submit({ count: 20_000, type: 'batch', ports: [] });
  const placements: Placement[] = [];
  for (let instance = 0; instance < 20_000; instance += 1) {
    placements.push(examplePlacement({ id: `a${instance}`, instance, cpuMillis: 1, memoryMib: 1 }));
  }
  fleet.apply({ kind: 'apply-plan', placements, stops: [], unplaced: [] });
  expect(fleet.tables.allocations.size).toBe(20_000);
  let count = 0;
  for (const chunk of captureTables(fleet.tables)) count += chunk.length > 0 ? 1 : 0;
  expect(count).toBeGreaterThan(70);
});

test('members and recoveries come back from a snapshot', async () => {
  const fleet = everything();
  fleet.invite(4);
  fleet.apply({ kind: 'remove-member', id: 3 });
  fleet.apply({ kind: 'recover-cluster', survivor: 1, clusterId: 'new', formerClusterId: 'old' });
  const { members, recoveries } = await restoreTables(captureTables(fleet.tables));
  expect(new Map(members)).toStrictEqual(new Map(fleet.tables.members));
  expect(members.size).toBe(4);
  expect(recoveries).toStrictEqual(fleet.tables.recoveries);
  expect(recoveries).toHaveLength(1);
});

test('nodes of a snapshot from before drains take allocations', async () => {
  const fleet = everything();
  const text = textOf(fleet);
  const older = text.replaceAll(/,"eligible":true/g, '');
  expect(older).not.toBe(text);
  expect(older).not.toContain('eligible');
  expect(older).not.toContain('drain');
  expect(rowsOf(new TestFleet(await restoreTables([Buffer.from(older)])))).toStrictEqual(rowsOf(fleet));
});

test('drains come back from a snapshot, also those with nothing said of their time', async () => {
  const fleet = everything();
  fleet.drain('n1', { deadlineMs: 60_000 });
  fleet.drainTime('n1', 20_000);
  fleet.drain('n2');
  const restored = await restoreTables(captureTables(fleet.tables));
  expect(restored.nodes.get('id-n1')).toStrictEqual(fleet.tables.nodes.get('id-n1'));
  expect(restored.nodes.get('id-n2')).toStrictEqual(fleet.tables.nodes.get('id-n2'));
  expect([...restored.drainingNodes]).toEqual(['id-n1']);
});

/** As the version before identities were written down wrote it. */
function secondFormat(text: string): string {
  const [header = '', ...rows] = text.split('\n');
  const { counts, auditAnchor: _, ...rest } = JSON.parse(header);
  const { tokens, nodeIdentities, authorities, secrets, audit, ...countsThen } = counts;
  const identities = tokens + nodeIdentities + authorities + secrets + audit;
  const kept = [...rows.slice(0, rows.length - identities - 2), ...rows.slice(-2)];
  return [JSON.stringify({ ...rest, version: 2, counts: countsThen }), ...kept].join('\n');
}

/** As the version before members were written down wrote it. */
function firstFormat(text: string): string {
  const [header = '', ...rows] = secondFormat(text).split('\n');
  const { counts, ...rest } = JSON.parse(header);
  const { members, recoveries, ...countsThen } = counts;
  const kept = rows.slice(members + recoveries);
  return [JSON.stringify({ ...rest, version: 1, counts: countsThen }), ...kept].join('\n');
}

const noIdentities = {
  tokens: new Map(),
  nodeIdentities: new Map(),
  authorities: [],
  secrets: new Map(),
  audit: [],
  auditAnchor: '',
};

/** A fleet with something in every table about who is who. */
function identified(): TestFleet {
  const fleet = everything();
  fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca2'), tokens: [exampleToken()] });
  fleet.apply({ kind: 'rotate-authority', after: 'ca2', authority: exampleAuthority('ca1', 'ca2') });
  fleet.apply({ kind: 'create-token', token: exampleJoinToken({ namespace: 'team-a', usesLeft: 5 }) });
  fleet.apply({ kind: 'join-node', node: exampleJoin({ nodeId: 'id-n2' }), audit: exampleNote() });
  fleet.apply({ kind: 'join-node', node: exampleJoin(), audit: exampleNote() });
  fleet.apply({ kind: 'revoke-node', id: 'id-n2' });
  const secret = { namespace: 'default', sealed: 'key1.sealed', sizeBytes: 3, changedBy: 'ann' };
  fleet.apply({ kind: 'set-secret', secret: { ...secret, name: 'b' } });
  fleet.apply({ kind: 'set-secret', secret: { ...secret, name: 'a' } });
  fleet.tables.identity.auditAnchor = 'ab'.repeat(32);
  return fleet;
}

test('who is who comes back from a snapshot, with the authority that issues last', async () => {
  const fleet = identified();
  const restored = new TestFleet(await restoreTables(captureTables(fleet.tables)));
  expect(rowsOf(restored)).toStrictEqual(rowsOf(fleet));
  expect(restored.tables.authorities.map(({ id }) => id)).toEqual(['ca2', 'ca1']);
  expect(restored.tables.secrets.size).toBe(2);
  expect(restored.tables.auditAnchor).toBe('ab'.repeat(32));
  expect(textOf(restored)).toBe(textOf(fleet));
});

test('the order in which tokens, identities and secrets came does not show', () => {
  const [one, other] = [new TestFleet(), new TestFleet()];
  const put = (fleet: TestFleet, number: number) => {
    const row = { createdAtMs: 0, modifyIndex: 0 };
    const secret = { namespace: 'default', version: 1, sealed: 'x', sizeBytes: 1, changedAtMs: 0, changedBy: 'ann' };
    const { identity } = fleet.tables;
    identity.putToken({ ...exampleToken({ id: `t${number}`, name: `token-${number}` }), ...row });
    identity.putNode({
      ...exampleJoin({ nodeId: `n${number}` }),
      joinedAtMs: 0,
      revokedAtMs: undefined,
      modifyIndex: 0,
    });
    identity.putSecret({ ...secret, name: `s${number}`, modifyIndex: 0 });
  };
  for (const number of [1, 2, 3]) put(one, number);
  for (const number of [3, 1, 2]) put(other, number);
  expect(textOf(other)).toBe(textOf(one));
});

test.each(['"secretHash"', '"keyHash"', '"sealedKey"', '"sizeBytes"'])(
  'a doubled row with %s is damage',
  async (field) => {
    const text = textOf(identified());
    const all = text.split('\n');
    const place = all.findIndex((line) => line.includes(field));
    const doubled = all.toSpliced(place + 1, 1, all[place] ?? '').join('\n');
    expect(doubled).not.toBe(text);
    await expect(restoreTables([Buffer.from(doubled)])).rejects.toThrow(/is there twice/);
  },
);

test('a snapshot of the second format has no identities, and all else', async () => {
  const fleet = identified();
  const older = secondFormat(textOf(fleet));
  expect(older).not.toContain('secretHash');
  const restored = new TestFleet(await restoreTables([Buffer.from(older)]));
  expect(rowsOf(restored)).toStrictEqual({ ...rowsOf(fleet), ...noIdentities });
});

test('a snapshot of this format that does not count its tokens is damaged', async () => {
  const text = secondFormat(textOf(everything())).replace('"version":2', '"version":3');
  await expect(restoreTables([Buffer.from(text)])).rejects.toMatchObject({ code: 'CELL_E_SNAPSHOT_DAMAGED' });
});

test('a snapshot of the first format has no members, and all else', async () => {
  const fleet = everything();
  const restored = new TestFleet(await restoreTables([Buffer.from(firstFormat(textOf(fleet)))]));
  expect(rowsOf(restored)).toStrictEqual({ ...rowsOf(fleet), members: new Map() });
});

test('a snapshot of this format that does not count its members is damaged', async () => {
  const text = firstFormat(textOf(everything())).replace('"version":1', '"version":2');
  await expect(restoreTables([Buffer.from(text)])).rejects.toMatchObject({ code: 'CELL_E_SNAPSHOT_DAMAGED' });
});
