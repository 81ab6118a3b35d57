import { expect, test } from 'vitest';
import { runTranscript } from './run-transcript.ts';
import { parseTranscript } from './transcript.ts';

test('a command has a name, arguments with any number of values, input, and expected output', () => {
  const text =
    '# a comment\n\nadd-nodes 3 voters=(1, 2) index=10 \\\n  learners=()\nv1 l2\nr3\n----\nfirst\nsecond\n\nnext\n----\nok\n';
  expect(parseTranscript(text)).toEqual([
    {
      line: 3,
      command: 'add-nodes',
      args: [
        { key: '3', values: [] },
        { key: 'voters', values: ['1', '2'] },
        { key: 'index', values: ['10'] },
        { key: 'learners', values: [] },
      ],
      input: 'v1 l2\nr3',
      expected: 'first\nsecond\n',
    },
    { line: 11, command: 'next', args: [], input: '', expected: 'ok\n' },
  ]);
});

test('a doubled separator opens and closes an output with blank lines', () => {
  const [first, second] = parseTranscript('a\n----\n----\none\n\ntwo\n----\n----\n\nb\n----\nok\n');
  expect(first?.expected).toBe('one\n\ntwo\n');
  expect(second?.command).toBe('b');
});

test('a command without a separator is an error that names its line', () => {
  expect(() => parseTranscript('\nstabilize\n')).toThrow("Command 'stabilize' in line 2");
});

test('output that differs is reported with its command, and unknown commands differ', () => {
  const { commands, differences } = runTranscript(
    'vote cfg=(1) votes=(y)\n----\nVoteLost\n\nvote cfg=(1) votes=(y)\n----\nVoteWon\n',
  );
  expect(commands).toBe(2);
  expect(differences).toMatchObject([{ directive: { line: 1, expected: 'VoteLost\n' }, actual: 'VoteWon\n' }]);
  expect(runTranscript('no-such-command\n----\nok\n').differences).toHaveLength(1);
});

test.each([
  {
    kind: 'quorum',
    text: 'committed cfg=(1,2) cfgj=(2,3) idx=(5,7,_)\n----\n       idx\nx>       5    (id=1)\nxx>      7    (id=2)\n?        0    (id=3)\n0\n',
  },
  {
    kind: 'membership',
    text: 'simple\nv1\n----\nvoters=(1)\n1: StateProbe match=0 next=1\n\nsimple\nr1\n----\nremoved all voters\n',
  },
  {
    kind: 'interaction',
    text: 'log-level none\n----\nok\n\nadd-nodes 1 voters=(1) index=3\n----\nok\n\npropose 1 a\n----\nraft proposal dropped\n',
  },
])('a transcript of our own runs: $kind', ({ text }) => {
  expect(runTranscript(text).differences).toEqual([]);
});

test('errors and traces are printed as the reference words them', () => {
  const text = [
    'add-nodes 2 voters=(1,2) index=2',
    '----',
    'INFO 1 switched to configuration voters=(1 2)',
    'INFO 1 became follower at term 0',
    'INFO newRaft 1 [peers: [1,2], term: 0, commit: 2, applied: 2, lastindex: 2, lastterm: 1]',
    'INFO 2 switched to configuration voters=(1 2)',
    'INFO 2 became follower at term 0',
    'INFO newRaft 2 [peers: [1,2], term: 0, commit: 2, applied: 2, lastindex: 2, lastterm: 1]',
    '',
    'propose 1 a',
    '----',
    'INFO 1 no leader at term 0; dropping proposal',
    'raft proposal dropped',
    '',
    'deliver-msgs 1',
    '----',
    'no messages',
    '',
  ].join('\n');
  expect(runTranscript(text).differences).toEqual([]);
});
