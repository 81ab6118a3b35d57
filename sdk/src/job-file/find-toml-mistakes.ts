import { ParseError } from 'toml-eslint-parser';
import { parseTomlDocument, type TomlDocument } from './toml-document.ts';

/** One place where the text is no TOML. */
export interface TomlMistake {
  /** Counted from 1, as the column is. */
  readonly line: number;
  readonly column: number;
  /** The key of the statement that it is in, or the statement itself if no key can be made out. */
  readonly key: string;
  /** What stands after "="; empty if nothing does. */
  readonly value: string;
  readonly message: string;
}

export interface TomlReading {
  readonly mistakes: readonly TomlMistake[];
  /** The text without the statements that have mistakes; undefined if nothing could be read. */
  readonly document: TomlDocument | undefined;
}

/** So many mistakes are looked for; each costs some readings of the whole text. */
const MISTAKES_MAX = 20;
/** A statement that has more lines is not left out, but ends the search. */
const STATEMENT_LINES_MAX = 100;
/** In longer texts only the first mistake is looked for. */
const SEARCH_LENGTH_MAX = 64 * 1024;

/**
 * Reads TOML and, where it is none, leaves the statement out and reads on, so that a person learns of everything at
 * once.
 */
export function findTomlMistakes(text: string): TomlReading {
  const mistakes: TomlMistake[] = [];
  const lines = text.split('\n');
  for (;;) {
    const attempt = tryToParse(lines);
    if ('document' in attempt) return { mistakes, document: attempt.document };
    const statement = attempt.line === undefined ? undefined : findStatement(lines, attempt.line);
    mistakes.push(describeMistake(lines, attempt, statement?.first));
    const goesOn = text.length <= SEARCH_LENGTH_MAX && mistakes.length < MISTAKES_MAX;
    if (statement === undefined || !goesOn) return { mistakes, document: undefined };
    lines.fill('', statement.first - 1, statement.last);
  }
}

interface Failure {
  /** Undefined if the parser gave up without a place. */
  readonly line: number | undefined;
  readonly column: number;
  readonly reason: string;
}

function tryToParse(lines: readonly string[]): { readonly document: TomlDocument } | Failure {
  try {
    return { document: parseTomlDocument(lines.join('\n')) };
  } catch (error) {
    if (error instanceof ParseError) {
      return { line: Math.min(error.lineNumber, lines.length), column: error.column + 1, reason: error.message };
    }
    if (error instanceof RangeError) return { line: undefined, column: 1, reason: 'too long' };
    throw error;
  }
}

const HEADER = /^\s*\[/;
/** Two repetitions of the same characters in a row would take as long as a line is, squared. */
const STATEMENT = /^\s*(\[|[\w."'-][\w."' -]*=)/;

/** A string over several lines, which may hold anything that looks like a statement. */
const LONG_STRING = /"""|'''/;

/** First and last line of the statement that the failure is in, with all that belongs to it if it is a table. */
function findStatement(lines: readonly string[], failureLine: number): { first: number; last: number } | undefined {
  const first = findFirstLine(lines, failureLine);
  if (first === undefined) return undefined;
  const firstText = lines[first - 1] ?? '';
  const ends = HEADER.test(firstText) || LONG_STRING.test(firstText) ? HEADER : STATEMENT;
  const next = lines.findIndex((line, index) => index >= first && ends.test(line));
  return { first, last: next === -1 ? lines.length : next };
}

/** A statement begins where everything before it is whole. */
function findFirstLine(lines: readonly string[], failureLine: number): number | undefined {
  const earliest = Math.max(1, failureLine - STATEMENT_LINES_MAX);
  for (let line = failureLine; line >= earliest; line--) {
    const blank = (lines[line - 1] ?? '').trim() === '';
    if (!blank && isWhole(lines.slice(0, line - 1))) return line;
  }
  return undefined;
}

/** Whether every statement is closed. Keys that stand twice are looked for only where that is so. */
function isWhole(lines: readonly string[]): boolean {
  const attempt = tryToParse(lines);
  return 'document' in attempt || attempt.reason === STANDS_TWICE;
}

function describeMistake(lines: readonly string[], failure: Failure, first: number | undefined): TomlMistake {
  const failureLine = failure.line ?? longestLine(lines);
  // An open end shows only where the next statement begins, or the file ends: the statement itself is to blame.
  const failureText = lines[failureLine - 1] ?? '';
  const openEnd = first !== undefined && first < failureLine && (failureText === '' || STATEMENT.test(failureText));
  const line = openEnd ? first : failureLine;
  const lineText = lines[line - 1] ?? '';
  const column = openEnd ? lineText.search(/\S/) + 1 : failure.column;
  const [, key, value] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(lineText) ?? [];
  const message = openEnd ? openEndMessage(lineText, value) : (messages[failure.reason] ?? lowerFirst(failure.reason));
  return { line, column, key: key ?? lineText.trim(), value: value ?? '', message };
}

function openEndMessage(lineText: string, value: string | undefined): string {
  if (value !== undefined && /^(#.*)?$/.test(value)) return 'has no value';
  return HEADER.test(lineText) ? 'is a header that is not closed' : 'has a value that is not closed';
}

const STANDS_TWICE = 'Defining a key multiple times is invalid';
const notToml = 'is no TOML value: strings stand in quotes, lists in [ ], and numbers and true or false as they are';

/** What the parser says, in words that say what to do. */
const messages: Readonly<Record<string, string>> = {
  [STANDS_TWICE]: 'is there already; each may stand only once',
  'Expected comma (,) token': 'needs a comma between entries',
  'Expected equal (=) token': 'must be key = value, or a header such as [resources]',
  'Must be a newline': 'must end its line: nothing but a comment may follow a value',
  'No newlines are allowed between the curly braces unless they are valid within a value': 'must be on one line',
  'The key, equals sign, and value must be on the same line': 'must be on one line with its "=" and value',
  'Unexpected character': notToml,
  'Unexpected token': notToml,
  'Unspecified values are invalid': 'has no value',
  'Unterminated array': 'has a list that is not closed',
  'Unterminated string constant': 'has a string that is not closed',
  'too long': 'is too long, or nested too deep, to be read',
};

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function longestLine(lines: readonly string[]): number {
  const longest = lines.reduce((best, line, index) => (line.length > (lines[best] ?? '').length ? index : best), 0);
  return longest + 1;
}
