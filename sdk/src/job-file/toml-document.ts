import { type AST, parseTOML } from 'toml-eslint-parser';

/** The content of a TOML file, and where each part of it stands. */
export interface TomlDocument {
  readonly value: TomlTable;
  readonly place: TomlPlace;
}

export type TomlTable = { [key: string]: unknown };

/** Where one key or entry stands, and the places of what it holds. Lines and columns count from 1. */
export interface TomlPlace {
  readonly line: number;
  readonly column: number;
  /** The value as it was written; undefined for tables with a header. */
  readonly written: string | undefined;
  readonly children: Map<string | number, TomlPlace>;
}

/**
 * Reads TOML 1.0.
 *
 * @throws ParseError of toml-eslint-parser, at the first mistake
 * @throws RangeError for a value too long or too deep for the parser
 */
export function parseTomlDocument(text: string): TomlDocument {
  const reader = new DocumentReader(text);
  for (const node of parseTOML(text, { tomlVersion: '1.0' }).body[0].body) {
    if (node.type === 'TOMLKeyValue') reader.readKeyValue(node, reader.root);
    else reader.readTable(node);
  }
  return { value: reader.root.value as TomlTable, place: reader.root.place };
}

/** The place of the path, or of the nearest part of it that is there. */
export function findPlace(place: TomlPlace, path: readonly (string | number)[]): TomlPlace {
  let nearest = place;
  for (const part of path) {
    const next = nearest.children.get(part);
    if (next === undefined) return nearest;
    nearest = next;
  }
  return nearest;
}

/** A table or list that is being filled, beside its place. */
interface Container {
  readonly value: TomlTable | unknown[];
  readonly place: TomlPlace;
}

class DocumentReader {
  readonly root: Container = { value: newTable(), place: newPlace({ line: 1, column: 0 }) };
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  readTable(node: AST.TOMLTable): void {
    let container = this.root;
    node.resolvedKey.forEach((key, index) => {
      const isList = typeof node.resolvedKey[index + 1] === 'number';
      container = descend(container, key, node.loc.start, isList);
    });
    for (const keyValue of node.body) this.readKeyValue(keyValue, container);
  }

  readKeyValue(node: AST.TOMLKeyValue, table: Container): void {
    const names = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
    const last = names.pop() ?? '';
    const container = names.reduce((each, name) => descend(each, name, node.loc.start, false), table);
    const place = newPlace(node.loc.start, this.#written(node.value));
    put(container, last, this.#readValue(node.value, place), place);
  }

  #readValue(node: AST.TOMLContentNode, place: TomlPlace): unknown {
    if (node.type === 'TOMLValue') return node.value;
    if (node.type === 'TOMLInlineTable') {
      const container = { value: newTable(), place };
      for (const keyValue of node.body) this.readKeyValue(keyValue, container);
      return container.value;
    }
    return node.elements.map((element, index) => {
      const own = newPlace(element.loc.start, this.#written(element));
      place.children.set(index, own);
      return this.#readValue(element, own);
    });
  }

  #written(node: AST.TOMLContentNode): string {
    return this.#text.slice(node.range[0], node.range[1]);
  }
}

/** Goes to what `key` names, which is made if it is not there. */
function descend(container: Container, key: string | number, start: AST.Position, isList: boolean): Container {
  const place = container.place.children.get(key);
  const value = (container.value as TomlTable)[key] as Container['value'] | undefined;
  if (place !== undefined && value !== undefined) return { value, place };
  const made = { value: isList ? [] : newTable(), place: newPlace(start) };
  put(container, key, made.value, made.place);
  return made;
}

function put(container: Container, key: string | number, value: unknown, place: TomlPlace): void {
  (container.value as TomlTable)[key] = value;
  container.place.children.set(key, place);
}

/** Without a prototype, "__proto__" is a key like any other. */
function newTable(): TomlTable {
  return Object.create(null) as TomlTable;
}

function newPlace(start: AST.Position, written?: string): TomlPlace {
  return { line: start.line, column: start.column + 1, written, children: new Map() };
}
