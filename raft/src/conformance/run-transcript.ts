import { ConfChangeRun } from './confchange-commands.ts';
import { InteractionRun } from './interaction/commands.ts';
import { runQuorumCommand } from './quorum-commands.ts';
import type { Directive } from './transcript.ts';
import { parseTranscript } from './transcript.ts';

export interface Difference {
  readonly directive: Directive;
  readonly actual: string;
}

export interface TranscriptResult {
  readonly commands: number;
  readonly differences: readonly Difference[];
}

/** Runs a whole transcript against our core. A command that fails in an unforeseen way counts as a difference. */
export function runTranscript(text: string): TranscriptResult {
  const directives = parseTranscript(text);
  const run = chooseRunner(directives);
  const differences: Difference[] = [];
  for (const directive of directives) {
    const actual = attempt(run, directive);
    if (actual !== directive.expected) differences.push({ directive, actual });
  }
  return { commands: directives.length, differences };
}

/** The first command tells what kind of transcript it is. */
function chooseRunner(directives: readonly Directive[]): (directive: Directive) => string {
  switch (directives[0]?.command) {
    case 'committed':
    case 'vote':
      return runQuorumCommand;
    case 'simple':
    case 'enter-joint':
    case 'leave-joint': {
      const confChange = new ConfChangeRun();
      return (directive) => confChange.run(directive);
    }
    default: {
      const interaction = new InteractionRun();
      return (directive) => interaction.run(directive);
    }
  }
}

function attempt(run: (directive: Directive) => string, directive: Directive): string {
  let actual: string;
  try {
    actual = run(directive);
  } catch (error) {
    actual = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return actual.endsWith('\n') ? actual : `${actual}\n`;
}
