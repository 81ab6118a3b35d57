/** Commands and snapshots whose framing is right, so that each kind and each table's rows are read for what they say. */
import * as control from '@cell/control-plane/readers';
import fc from 'fast-check';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateJson } from '../mutate-json.ts';
import type { Random } from '../random.ts';
import { exampleFleet } from './stored-targets.ts';

/** With this seed they leave rows in all tables. */
const GROWING = { numRuns: 400, seed: 6 };
const AFTERWARDS = { numRuns: 40, seed: 8 };
const ROWS_OF_TABLE_MAX = 3;
const CHANGED_ROWS_MAX = 2;
const END = { end: true };

type Row = Record<string, unknown>;
interface Grown {
  readonly header: Row & { readonly counts: Readonly<Record<string, number>> };
  readonly rows: ReadonlyMap<string, readonly Row[]>;
}

function stateError(error: unknown): boolean {
  return /^CELL_E_(COMMAND_MALFORMED|SNAPSHOT_DAMAGED)$/.test(String((error as { code?: unknown }).code));
}

function grow(): Grown {
  const fleet = exampleFleet();
  for (const command of fc.sample(control.commandArbitrary, GROWING)) fleet.apply(command);
  const lines = textOf(fleet.tables).trimEnd().split('\n');
  const [header, ...rest] = lines.map((line) => JSON.parse(line) as Row) as [Grown['header'], ...Row[]];
  const rows = new Map<string, readonly Row[]>();
  let from = 0;
  for (const [table, count] of Object.entries(header.counts)) {
    if (count === 0) throw new Error(`No row of table "${table}" is tried`);
    rows.set(table, rest.slice(from, from + count));
    from += count;
  }
  return { header, rows };
}

function textOf(tables: ReturnType<typeof exampleTables>): string {
  return Buffer.concat([...control.captureTables(tables)]).toString();
}

function exampleTables() {
  return new control.TestFleet().tables;
}

let grownOnce: Grown | undefined;
const grown = () => {
  grownOnce ??= grow();
  return grownOnce;
};

/** Some rows of each table, which belong together; a few of them changed, and counted anew. */
function changedSnapshot(random: Random): Buffer {
  const { header, rows } = grown();
  const chosen = [...rows].map(([table, all]) => ({ table, rows: some(all, random) }));
  // What belongs to a job that is not there is refused before anything of it is looked at.
  const jobs = new Set(chosen.find(({ table }) => table === 'jobs')!.rows.map(({ name }) => name));
  const kept = chosen.map(({ table, rows: own }) => {
    return { table, rows: own.filter(({ job }) => job === undefined || jobs.has(job) || random.once(20)) };
  });
  for (let changes = random.below(CHANGED_ROWS_MAX + 1); changes > 0; changes -= 1) {
    const { table, rows: own } = random.pick(kept);
    if (own.length === 0) continue;
    const place = random.below(own.length);
    own[place] = mutateJson(own[place], random, rows.get(table)) as Row;
  }
  const counts = Object.fromEntries(kept.map(({ table, rows: own }) => [table, own.length]));
  const first = random.once(20) ? mutateJson({ ...header, counts }, random) : { ...header, counts };
  return joined([first, ...kept.flatMap(({ rows: own }) => own), END]);
}

function some(rows: readonly Row[], random: Random): Row[] {
  const from = random.below(rows.length);
  return rows.slice(from, from + random.below(ROWS_OF_TABLE_MAX + 1));
}

function joined(lines: readonly unknown[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const afterwards = fc.sample(control.commandArbitrary, AFTERWARDS);

const snapshotRows: FuzzTarget = {
  name: 'snapshot-rows',
  form: 'text',
  seeds: async () => [joined([{ ...grown().header, counts: zeros(grown().header.counts) }, END])],
  madeOnly: true,
  make: changedSnapshot,
  refuses: stateError,
  read: async (input) => {
    const tables = await control.restoreTables([input]);
    const written = textOf(tables);
    const again = textOf(await control.restoreTables([Buffer.from(written)]));
    if (again !== written) throw new Error('Written and read again it is another state');
    // A state that was believed can be worked with.
    const fleet = new control.TestFleet(tables);
    for (const command of afterwards) fleet.apply(command);
    textOf(tables);
  },
};

function zeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys(counts).map((table) => [table, 0]));
}

const commandFields: FuzzTarget = {
  name: 'command-fields',
  form: 'text',
  seeds: async () => [Buffer.from(control.encodeCommand({ kind: 'collect-garbage', timeMs: 1 } as never))],
  madeOnly: true,
  make: (random) => {
    const all = commandValues();
    const others = [random.pick(all), random.pick(all)];
    const chosen = random.pick(all);
    const changed = mutateJson(chosen, random, others) as Row;
    // Without these it would be no command of any kind.
    const { v, kind } = (random.once(20) ? changed : undefined) ?? chosen;
    return Buffer.from(JSON.stringify({ ...changed, v, kind }));
  },
  refuses: stateError,
  read: (input) => {
    const command = control.decodeCommand(input);
    if (command.kind !== 'unknown') {
      const again = control.decodeCommand(control.encodeCommand(command));
      if (JSON.stringify(again) !== JSON.stringify(command)) throw new Error('Written and read it is another one');
    }
    const { tables } = exampleFleet();
    const { result } = control.applyCommand(tables, command, tables.index + 1);
    if (!result.ok && result.code.length === 0) throw new Error('Refused without a code');
    textOf(tables);
  },
};

let values: readonly Row[] | undefined;
function commandValues(): readonly Row[] {
  values ??= fc
    .sample(control.commandArbitrary, GROWING)
    .map(
      (command) => JSON.parse(Buffer.from(control.encodeCommand({ ...command, timeMs: 1_000_000 })).toString()) as Row,
    );
  return values;
}

export const stateTargets: readonly FuzzTarget[] = [snapshotRows, commandFields];
