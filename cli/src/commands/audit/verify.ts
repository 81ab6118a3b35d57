import { verifyAuditLog } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { countOf } from '../../output/units.ts';
import { type AuditLog, gone, readAudit, timeOf } from './read-audit.ts';

const HASH_FORM = /^[0-9a-f]{64}$/i;

export const auditVerify = defineCommand({
  path: ['audit', 'verify'],
  summary: 'show that nothing in the audit log was changed, removed or moved',
  description: [
    'Every entry has a hash over itself and the one before; they are all computed here again. Who can write on the ' +
      'disks of a majority could still write a whole new log: so note the last hash down elsewhere now and then, and ' +
      'give it with --expect later. It must still be there.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    expect: { kind: 'text', value: 'HASH', summary: 'a hash that you have noted down; it must be in the log' },
  },
  exitCodes: { 0: 'the log is whole', 1: 'it is not, or lacks the hash, or an error' },
  examples: [
    { command: 'cellctl audit verify', what: 'Check it all, and see the last hash' },
    {
      command: 'cellctl audit verify --expect "$(cat last-hash)"',
      what: 'Also that it goes on from what you noted down',
    },
  ],
  async run({ flags, world, client, print }) {
    checkForm(flags.expect);
    const log = await readAudit(client(), 0, world.signal);
    const problem = verifyAuditLog(log) ?? missing(log, flags.expect);
    const first = log.entries[0]?.sequence;
    const last = log.entries.at(-1);
    const head = last?.hash ?? log.anchor;
    await print({
      plain: () => ({
        whole: problem === undefined,
        problem: problem ?? null,
        entries: log.entries.length,
        first: first === undefined ? null : Number(first),
        last: last === undefined ? null : Number(last.sequence),
        since: log.entries[0] === undefined ? null : new Date(Number(log.entries[0].timeMs)).toISOString(),
        hash: head,
      }),
      text: () => {
        if (problem !== undefined) return `The audit log is not whole: ${problem}\n`;
        if (last === undefined) return 'The audit log is empty\n';
        const all = `${countOf(log.entries.length, 'entry', 'entries')}, number ${first} to ${last.sequence}`;
        const since = `since ${timeOf(log.entries[0]!)}`;
        const older = gone(log);
        const missing = older === undefined ? '' : `${older}\n`;
        return `The audit log is whole: ${all}, ${since}\n${missing}Last hash, to note down elsewhere:\n${head}\n`;
      },
    });
    return problem === undefined ? 0 : 1;
  },
});

/** A hash that was copied wrongly must not look like a log that was changed. */
function checkForm(expected: string | undefined): void {
  if (expected === undefined || HASH_FORM.test(expected.trim())) return;
  const must = 'It must be a hash as "cellctl audit verify" prints it: 64 digits and letters from a to f';
  throw new CliError('CELL_E_USAGE', `Flag "--expect" has the value "${expected}". ${must}`);
}

function missing({ entries, anchor }: AuditLog, expected: string | undefined): string | undefined {
  if (expected === undefined) return undefined;
  const wanted = expected.trim().toLowerCase();
  if (wanted === anchor || entries.some(({ hash }) => hash === wanted)) return undefined;
  const since = entries[0] === undefined ? '' : `; entries before number ${entries[0].sequence} are not kept any more`;
  return `the hash "${expected}" is not in it${since}`;
}
