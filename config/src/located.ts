import { type AST, parseTOML } from 'toml-eslint-parser';

/** A value of a TOML file with the line where it stands. */
export type Located = LocatedTable | LocatedArray | LocatedScalar;

interface Origin {
  /** Counted from 1; 0 if it stands in no file. */
  readonly line: number;
  /** The environment variable that it comes from instead. */
  readonly variable?: string;
}

export interface LocatedTable extends Origin {
  readonly kind: 'table';
  readonly entries: Map<string, Located>;
}

export interface LocatedArray extends Origin {
  readonly kind: 'array';
  readonly items: Located[];
}

export interface LocatedScalar extends Origin {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | bigint | Date;
  /** Whether TOML has it as an integer, as opposed to a float that happens to be whole. */
  readonly integer: boolean;
}

/** Throws the parser's `ParseError` (with `lineNumber`) if the text isn't TOML, double keys included. */
export function parseLocated(text: string): LocatedTable {
  const root: LocatedTable = { kind: 'table', line: 1, entries: new Map() };
  for (const node of parseTOML(text).body[0].body) {
    if (node.type === 'TOMLKeyValue') addKeyValue(root, node);
    else addTable(root, node);
  }
  return root;
}

function addTable(root: LocatedTable, node: AST.TOMLTable): void {
  const table = descend(root, node.resolvedKey, node.loc.start.line);
  for (const entry of node.body) addKeyValue(table, entry);
}

function addKeyValue(table: LocatedTable, node: AST.TOMLKeyValue): void {
  const names = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  const line = node.loc.start.line;
  descend(table, names.slice(0, -1), line).entries.set(names.at(-1)!, located(node.value));
}

/** Walks down to the table of that path and makes what is missing; a number is a place in an array of tables. */
function descend(root: LocatedTable, path: readonly (string | number)[], line: number): LocatedTable {
  let here: Located = root;
  for (const [depth, step] of path.entries()) {
    here = child(here, step, () => emptyBefore(path[depth + 1], line));
  }
  return here as LocatedTable;
}

function emptyBefore(nextStep: string | number | undefined, line: number): Located {
  return typeof nextStep === 'number'
    ? { kind: 'array', line, items: [] }
    : { kind: 'table', line, entries: new Map() };
}

/** The parser has refused paths that contradict each other, so a step always fits what is there. */
function child(parent: Located, step: string | number, make: () => Located): Located {
  const found =
    parent.kind === 'array'
      ? parent.items[Number(step)]
      : parent.kind === 'table'
        ? parent.entries.get(`${step}`)
        : parent;
  if (found !== undefined) return found;
  const made = make();
  if (parent.kind === 'array') parent.items[Number(step)] = made;
  else if (parent.kind === 'table') parent.entries.set(`${step}`, made);
  return made;
}

function located(node: AST.TOMLContentNode): Located {
  const line = node.loc.start.line;
  if (node.type === 'TOMLArray') return { kind: 'array', line, items: node.elements.map(located) };
  if (node.type === 'TOMLInlineTable') {
    const table: LocatedTable = { kind: 'table', line, entries: new Map() };
    for (const entry of node.body) addKeyValue(table, entry);
    return table;
  }
  return { kind: 'scalar', line, value: node.value, integer: node.kind === 'integer' };
}
