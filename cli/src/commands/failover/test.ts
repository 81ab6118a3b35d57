import { runFailoverDrill } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';
import { Progress } from '../../output/progress.ts';
import { reportView } from './report-view.ts';

export const failoverTest = defineCommand({
  path: ['failover', 'test'],
  summary: 'take the leader away while writes go on, and audit that nothing was lost',
  description: [
    'The drill injects the real fault: it kills the process of the leader with SIGKILL, or hands leadership over. ' +
      'Meanwhile it writes marks through all members, and afterwards looks for every mark that was acknowledged. It ' +
      'fails if a mark is lost, if a new leader or the next write takes too long, if a workload was restarted or ' +
      'disturbed, or if agents stay away.',
    'It refuses to begin on a fleet that is not all right. A killed member needs something that starts it again, such ' +
      'as systemd; the report says whether it came back.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    mode: {
      kind: 'choice',
      choices: ['crash', 'transfer'],
      default: 'crash',
      summary: 'kill the leader, or make it hand over',
    },
    yes: { kind: 'switch', short: 'y', summary: 'do not ask; needed where nobody can be asked' },
    force: { kind: 'switch', summary: 'begin even though not all is right' },
    'writes-per-second': {
      kind: 'count',
      value: 'N',
      min: 1,
      max: 1000,
      default: 100,
      summary: 'marks to begin in a second',
    },
    'leader-within': {
      kind: 'duration',
      default: '5s',
      min: '1ms',
      max: '10m',
      summary: 'fails if a new leader takes longer',
    },
    'write-within': {
      kind: 'duration',
      default: '5s',
      min: '1ms',
      max: '10m',
      summary: 'fails if writes pause for longer',
    },
    timeout: {
      kind: 'duration',
      default: '30s',
      min: '1s',
      max: '10m',
      summary: 'how long to wait for the leader, writes and agents at all',
    },
    'member-within': {
      kind: 'duration',
      default: '10s',
      min: '0s',
      max: '10m',
      summary: 'how long to wait for the killed member to come back; "0s" to not wait',
    },
  },
  exitCodes: { 0: 'PASS', 1: 'FAIL, or the drill could not be held' },
  examples: [
    { command: 'cellctl failover test', what: 'Kill the leader' },
    { command: 'cellctl failover test --mode transfer --yes -o json', what: 'Move leadership, for a scheduled check' },
  ],
  async run({ flags, world, connection, print }) {
    await ask(flags, world);
    const progress = new Progress(world);
    try {
      const report = await runFailoverDrill({
        addresses: connection().addresses,
        connect: (members) => world.connect({ ...members, identity: connection().identity }),
        clock: world.clock,
        drillId: world.uniqueName(),
        mode: flags.mode,
        limits: { newLeaderMsMax: flags['leader-within'], pauseMsMax: flags['write-within'] },
        writesPerSecond: flags['writes-per-second'],
        timeoutMs: flags.timeout,
        memberBackMsMax: flags['member-within'],
        force: flags.force,
        onProgress: (step) => void progress.show(`Drill: ${step} …`),
        signal: world.signal,
      });
      await progress.end();
      await print(reportView(report));
      return report.passed ? 0 : 1;
    } finally {
      await progress.end();
    }
  },
});

interface Asking {
  readonly mode: string;
  readonly yes: boolean;
}

async function ask({ mode, yes }: Asking, world: Parameters<typeof confirm>[0]): Promise<void> {
  if (yes) return;
  const what = mode === 'crash' ? 'kills the leader process with SIGKILL' : 'moves leadership to another member';
  if (!canAsk(world)) {
    throw new CliError('CELL_E_NOT_CONFIRMED', `The drill ${what}; say "--yes" if you want that`);
  }
  await confirm(world, `The drill ${what} of a running fleet. Go on?`);
}
