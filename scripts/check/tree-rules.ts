export interface SourceFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const LINES_MAX = 400;

/** Files that may be longer, each with the reason. */
const LONGER: ReadonlyMap<string, string> = new Map<string, string>([]);

const BANNED_FOLDER = /^(utils?|helpers?|common|misc)$/;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.ts$/;
const TEXT_FILE = /\.(ts|mjs|js|json|md|toml|ya?ml|proto|sh|txt|service)$|^(bin|scripts|\.ci)\/[a-z-]+$|^Makefile$/;

/** Words that no file may contain, each with what to do instead. Put together so that this file has none of them. */
const BANNED_WORDS: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  {
    pattern: new RegExp(`(?<![\\w.*/-])/(${['root', 'work', 'home/[a-z]+'].join('|')})/`),
    instead: 'is a path of one machine; take it from a setting or make it relative',
  },
  {
    pattern: new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`),
    instead: 'is an open end; close it',
  },
];

/** True for TypeScript that people write, as opposed to generate. */
export function isWritten(path: string): boolean {
  return path.endsWith('.ts') && !path.includes('/src/gen/');
}

export function lineCount(file: SourceFile): number {
  return file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
}

/** One sentence per problem: where, what, and what to do. */
export function findTreeProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...nameProblems(file.path), ...lengthProblems(file), ...wordProblems(file)]);
}

function nameProblems(path: string): string[] {
  const problems: string[] = [];
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  for (const folder of folders) {
    if (BANNED_FOLDER.test(folder)) problems.push(`${path}: Name the folder "${folder}" after what it is about`);
  }
  if (isWritten(path) && !FILE_NAME.test(name)) problems.push(`${path}: Name the file in kebab-case`);
  return problems;
}

function lengthProblems(file: SourceFile): string[] {
  const lines = lineCount(file);
  if (!isWritten(file.path) || lines <= LINES_MAX || LONGER.has(file.path)) return [];
  return [
    `${file.path}: Split the file, which has ${lines} lines of at most ${LINES_MAX}, or give the reason in tree-rules.ts`,
  ];
}

function wordProblems(file: SourceFile): string[] {
  if (!TEXT_FILE.test(file.path) || file.path.endsWith('package-lock.json')) return [];
  return file.text.split('\n').flatMap((line, index) =>
    BANNED_WORDS.flatMap(({ pattern, instead }) => {
      const found = pattern.exec(line);
      return found === null ? [] : [`${file.path}:${index + 1}: "${found[0]}" ${instead}`];
    }),
  );
}
