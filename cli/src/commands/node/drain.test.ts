import { stripVTControlCharacters } from 'node:util';
import { AllocationState, NodeStatus } from '@cell/sdk';
import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { type CellctlOptions, runCellctl, secondsAgo, widthOf } from '../../testing/run-cellctl.ts';
import { Interruption } from '../../world.ts';

const room = { allocationId: 'A1', job: 'web', instance: 2, stuck: true };
const noRoom = { ...room, reason: 'finds no room elsewhere: memory: 4096 MiB asked, 512 MiB free at most' };
const ends = { ...room, job: 'sort', instance: 0, stuck: false, reason: 'runs to its end, or to the deadline' };

function node(drain: object | undefined, changes: object = {}) {
  const known = { id: 'a2f4', name: 'node-1', status: NodeStatus.READY, eligible: drain === undefined };
  return { ...known, ...(drain === undefined ? {} : { drain }), ...changes };
}

const draining = (remaining: number, ...waits: object[]) => node({ startedAt: secondsAgo(60), remaining, waits });
const drained = node({ startedAt: secondsAgo(90), finishedAt: secondsAgo(5) });

interface DrainRequest {
  readonly node: string;
  readonly deadlineMs?: bigint;
  readonly keepSystemJobs: boolean;
}

/** Runs `node drain` against answers to looks that follow each other, some without a leader; the last one stays. */
async function drain(words: string, looks: readonly (object | 'fails')[], options: CellctlOptions = {}) {
  const requests: DrainRequest[] = [];
  let looked = 0;
  const result = await runCellctl(
    ['node', 'drain', ...words.split(' ')],
    {
      drainNode: (request: DrainRequest) => {
        requests.push(request);
        return { node: draining(2, noRoom, ends), index: 7n };
      },
      getNode: () => {
        const answer = looks[Math.min(looked, looks.length - 1)];
        looked += 1;
        if (answer === 'fails') throw codedError('CELL_E_INTERNAL', 'nobody tries that again by himself');
        return { node: answer };
      },
    },
    options,
  );
  return { ...result, requests };
}

test('it waits until the node is empty, through failovers, and is quiet where no terminal is', async () => {
  const result = await drain('node-1', [draining(2, noRoom, ends), 'fails', draining(1, ends), drained]);
  expect(result).toMatchObject({
    exitCode: 0,
    output: 'Node "node-1" is drained: nothing is left on it\n',
    errors: '',
    requests: [{ node: 'node-1', deadlineMs: 3_600_000n, keepSystemJobs: false }],
  });
});

test.each([
  ['node-1 --deadline 10m', 600_000n, false],
  ['node-1 --no-deadline', undefined, false],
  ['node-1 --now --keep-system-jobs', 0n, true],
  ['node-1 --deadline 0s', 0n, false],
])('node drain %s asks for that', async (words, deadlineMs, keepSystemJobs) => {
  const { requests } = await drain(words, [drained]);
  expect(requests[0]?.deadlineMs).toBe(deadlineMs);
  expect(requests[0]?.keepSystemJobs).toBe(keepSystemJobs);
});

test.each(['node-1 --now --no-deadline', 'node-1 --deadline 5m --now'])('node drain %s is refused', async (words) => {
  expect(await drain(words, [drained])).toMatchObject({
    exitCode: 1,
    errors: 'CELL_E_USAGE: Say one of "--deadline", "--no-deadline" and "--now"\n',
    requests: [],
  });
});

test('on a terminal it says what will go, and does nothing without a yes', async () => {
  const allocation = { id: 'A', nodeName: 'node-1', state: AllocationState.HEALTHY };
  const allocations = [
    { ...allocation, job: 'web' },
    { ...allocation, job: 'sort' },
    { ...allocation, job: 'web' },
    { ...allocation, job: 'web', state: AllocationState.STOPPED },
  ];
  const ask = (input: string) =>
    runCellctl(
      ['node', 'drain', 'node-1', '--detach'],
      { getNode: () => ({ node: node(undefined), allocations }), drainNode: () => ({ node: drained }) },
      { terminalColumns: 80, input },
    );
  const no = await ask('n\n');
  expect(no).toMatchObject({ exitCode: 1, calls: ['getNode'] });
  expect(no.errors).toContain(
    'Node "node-1" has 3 allocations (web 2, sort 1); what is left after 1h is stopped. Drain it? [y/N] ',
  );
  expect(await ask('y\n')).toMatchObject({ exitCode: 0, calls: ['getNode', 'drainNode'] });
});

test('on a terminal it shows how far it is, and what is stuck first', async () => {
  const result = await drain('node-1 --yes', [draining(2, ends, noRoom), drained], { terminalColumns: 120 });
  expect(result.errors).toContain(
    'Node "node-1": 2 left; web/2 finds no room elsewhere: memory: 4096 MiB asked, 512 MiB free at most (0 s)',
  );
});

test('without waiting it tells what is stuck already, by its exit code too', async () => {
  expect(await drain('node-1 --detach', [])).toMatchObject({
    exitCode: 2,
    output:
      'Node "node-1" is being drained: 2 allocations have to go\n' +
      '  web/2 finds no room elsewhere: memory: 4096 MiB asked, 512 MiB free at most\n',
    errors: '',
  });
});

test('when the time to wait is over it says what is left, and that the drain goes on', async () => {
  const result = await drain('node-1 --timeout 1s', [draining(1, ends)]);
  expect(result).toMatchObject({
    exitCode: 2,
    output: 'Node "node-1" is being drained: 1 allocation has to go\n  sort/0 runs to its end, or to the deadline\n',
    errors: 'Node "node-1" is not empty after 1.00 s; the drain goes on, "cellctl node show node-1" shows it\n',
  });
});

test('Ctrl-C leaves the drain going on, and says so', async () => {
  const interruption = new AbortController();
  const looks = Array.from({ length: 3 }, () => draining(1, ends));
  const result = await runCellctl(
    ['node', 'drain', 'node-1'],
    {
      drainNode: () => ({ node: looks[0] }),
      getNode: () => {
        looks.pop();
        if (looks.length === 0) interruption.abort(new Interruption(130));
        return { node: draining(1, ends) };
      },
    },
    { signal: interruption.signal },
  );
  expect(result).toMatchObject({
    exitCode: 130,
    output: '',
    errors:
      'Not waiting any more; the drain goes on: "cellctl node show node-1" shows it, "cellctl node undrain node-1" ends it\n',
  });
});

test('a drain that somebody ends meanwhile is no success', async () => {
  expect(await drain('node-1', [draining(1, ends), node(undefined)])).toMatchObject({
    exitCode: 1,
    errors: 'CELL_E_CONFLICT: Somebody has ended the drain of node "node-1"; what had gone stays away\n',
  });
});

test('a node is given back', async () => {
  const handlers = { undrainNode: () => ({ node: node(undefined) }) };
  expect(await runCellctl(['node', 'undrain', 'a2'], handlers)).toMatchObject({
    exitCode: 0,
    output: 'Node "node-1" takes allocations again\n',
  });
});

test.each([
  ['on', true, 'may be given allocations'],
  ['eligible', true, 'may be given allocations'],
  ['off', false, 'is given no more allocations; what runs there stays'],
  ['ineligible', false, 'is given no more allocations; what runs there stays'],
])('node eligibility node-1 %s', async (word, wanted, said) => {
  let asked: boolean | undefined;
  const handlers = {
    setNodeEligibility: ({ eligible }: { readonly eligible: boolean }) => {
      asked = eligible;
      return { node: node(undefined, { eligible }) };
    },
  };
  const result = await runCellctl(['node', 'eligibility', 'node-1', word], handlers);
  expect(result).toMatchObject({ exitCode: 0, output: `Node "node-1" ${said}\n` });
  expect(asked).toBe(wanted);
});

const shown = {
  draining: node({ startedAt: secondsAgo(600), deadlineAt: secondsAgo(-3_000), remaining: 3, waits: [noRoom, ends] }),
  unlimited: node({ startedAt: secondsAgo(600), remaining: 1, keepSystemJobs: true, waits: [noRoom] }),
  overdue: node({ startedAt: secondsAgo(600), deadlineAt: secondsAgo(1), remaining: 1, waits: [] }),
  drained,
  ineligible: node(undefined, { eligible: false }),
  lost: node(undefined, { eligible: false, status: NodeStatus.LOST }),
};

test('node show tells how far a drain is and what it waits for', async () => {
  const lines: string[] = [];
  for (const [name, answer] of Object.entries(shown)) {
    const { output } = await runCellctl(
      ['node', 'show', 'n'],
      { getNode: () => ({ node: answer }) },
      { terminalColumns: 80 },
    );
    expect(widthOf(output)).toBeLessThanOrEqual(80);
    const plain = stripVTControlCharacters(output);
    lines.push(`${name}:`, plain.slice(plain.indexOf('Status'), plain.indexOf('Since')).trimEnd());
  }
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "draining:
    Status      draining
    Draining    since 2026-01-02 11:50:00Z (10m ago)
                what is left at 2026-01-02 12:50:00Z (in 50m) is stopped
    Left        3 allocations to go
                web/2 finds no room elsewhere: memory: 4096 MiB asked, 512 MiB free
                at most
                sort/0 runs to its end, or to the deadline
                and 1 more
    unlimited:
    Status      draining
    Draining    since 2026-01-02 11:50:00Z (10m ago); system jobs stay
                without a deadline
    Left        1 allocation to go
                web/2 finds no room elsewhere: memory: 4096 MiB asked, 512 MiB free
                at most
    overdue:
    Status      draining
    Draining    since 2026-01-02 11:50:00Z (10m ago)
                its deadline has passed: what is left is stopped
    Left        1 allocation to go
    drained:
    Status      drained
    Drained     2026-01-02 11:59:55Z (5s ago); "cellctl node undrain" lets it take
                allocations again
    ineligible:
    Status      ineligible
    Eligible    no: it takes no new allocations
    lost:
    Status      lost
    Eligible    no: it takes no new allocations"
  `);
});

test('node list tells in one word which nodes take no allocations', async () => {
  const nodes = Object.values(shown);
  const { output } = await runCellctl(['node', 'list'], { listNodes: () => ({ nodes }) });
  expect(
    output
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/ +/)[1]),
  ).toEqual(['draining', 'draining', 'draining', 'drained', 'ineligible', 'lost']);
});

test('fleet status counts the nodes that take no allocations, which is no problem', async () => {
  const status = { nodesReady: 9, nodesDrained: 2, nodesIneligible: 1, nodesLost: 1 };
  const { output } = await runCellctl(['fleet', 'status'], { getFleetStatus: () => status });
  expect(output).toContain('9 nodes ready (2 drained, 1 ineligible), 1 lost\n');
  expect(output).toContain('All is right');
});
