import { hideTokens } from './hide-tokens.ts';

/** One thing that is wrong in a configuration. */
export interface ConfigProblem {
  readonly file: string;
  /** Counted from 1; 0 if it concerns the file as a whole. */
  readonly line: number;
  /** The environment variable that the value comes from, if it does not come from the file. */
  readonly variable?: string | undefined;
  /** As one writes it in TOML, such as `members[1].grpc`; empty if it concerns no key. */
  readonly key: string;
  /** What is wrong and what is allowed: a clause that follows the place. */
  readonly message: string;
  /** True if a value that must be there is nowhere. */
  readonly missing?: boolean;
}

/** A configuration that can't be used; the message names every problem, one a line if there are several, and no token. */
export class ConfigError extends Error {
  readonly code = 'CELL_E_CONFIG';
  readonly problems: readonly ConfigProblem[];
  /** True if nothing is wrong but that nobody has said yet what must be said: to try again is no use. */
  readonly unconfigured: boolean;
  constructor(file: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(hideTokens(describe(file, problems)), options);
    this.name = 'ConfigError';
    this.problems = problems;
    this.unconfigured = problems.length > 0 && problems.every(({ missing }) => missing === true);
  }
}

function describe(file: string, problems: readonly ConfigProblem[]): string {
  const lines = problems.map(describeProblem);
  if (lines.length === 1) return lines[0]!;
  return [`Configuration file "${file}" has ${lines.length} problems`, ...lines.map((line) => `  ${line}`)].join('\n');
}

function describeProblem(problem: ConfigProblem): string {
  const place =
    problem.variable !== undefined
      ? `${problem.variable} in the environment`
      : problem.line === 0
        ? `"${problem.file}"`
        : `${problem.file}:${problem.line}`;
  return problem.key === '' ? `${place}: ${problem.message}` : `${place}: Key "${problem.key}" ${problem.message}`;
}
