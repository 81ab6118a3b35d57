/** One change of a source text. It must be found exactly once, so that a list that no longer fits is noticed. */
export interface Edit {
  /** Below `raft/src`, with forward slashes. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A bug as somebody might make it, or as somebody has made it. */
export interface PlantedFault {
  /** In kebab-case, unique: how the command line and the documentation call it. */
  readonly name: string;
  /** What goes wrong with it, in one sentence, with the rule or the published defect that it stands for. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /**
   * What has to find it. `simulation`: transcripts and simulated clusters, for faults in the core. Otherwise the files
   * or folders below `raft/src` whose tests have to: the simulator has a disk and a driver of its own.
   */
  readonly judge: 'simulation' | { readonly tests: readonly string[] };
}

/** A fault in the core. */
export type CoreFault = Omit<PlantedFault, 'judge'>;

export type MutationErrorCode =
  | 'text-not-found'
  | 'text-ambiguous'
  | 'unknown-fault'
  | 'unsound-start'
  | 'judge-failed';

/** Why faults can't be planted or judged: the mutation run itself is at fault, not the code under test. */
export class MutationError extends Error {
  readonly code: MutationErrorCode;

  constructor(code: MutationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MutationError';
    this.code = code;
  }
}

/** The text of `file` with the fault in it. Throws MutationError if a text to be replaced is not there exactly once. */
export function plant(fault: PlantedFault, file: string, source: string): string {
  let planted = source;
  for (const edit of fault.edits) if (edit.file === file) planted = replaceOnce(fault, edit, planted);
  return planted;
}

function replaceOnce({ name }: PlantedFault, { file, from, to }: Edit, source: string): string {
  const at = source.indexOf(from);
  const where = `Can't plant '${name}': the text '${from}'`;
  if (at === -1)
    throw new MutationError('text-not-found', `${where} is not in '${file}'; adapt the fault to the source`);
  if (source.includes(from, at + 1)) {
    throw new MutationError('text-ambiguous', `${where} is in '${file}' more than once; make it longer`);
  }
  return source.slice(0, at) + to + source.slice(at + from.length);
}

export function filesOf({ edits }: PlantedFault): string[] {
  return [...new Set(edits.map(({ file }) => file))];
}
