import { expect, test } from 'vitest';
import { findTreeProblems } from '../../scripts/check/tree-rules.ts';

/** Path, text, and how the one problem begins. */
const PLANTED: readonly (readonly [path: string, text: string, problem: string])[] = [
  ['agent/src/utils/x.ts', '', 'agent/src/utils/x.ts: Name the folder "utils"'],
  ['agent/src/helpers/x.json', '', 'agent/src/helpers/x.json: Name the folder "helpers"'],
  ['common/x.md', '', 'common/x.md: Name the folder "common"'],
  ['raft/src/rawNode.ts', '', 'raft/src/rawNode.ts: Name the file in kebab-case'],
  ['raft/src/long.ts', 'x;\n'.repeat(401), 'raft/src/long.ts: Split the file, which has 401 lines'],
  ['raft/src/open.ts', `// ${'TO'}DO: later\n`, `raft/src/open.ts:1: "${'TO'}DO" is an open end`],
  ['docs/a.md', `one\nsee ${'/ro'}ot/cell\n`, `docs/a.md:2: "${'/ro'}ot/" is a path of one machine`],
  ['scripts/run', `cd ${'/wo'}rk/cell\n`, `scripts/run:1: "${'/wo'}rk/" is a path of one machine`],
  ['sdk/src/a.ts', `const x = '${'/ho'}me/someone/x';\n`, `sdk/src/a.ts:1: "${'/ho'}me/someone/"`],
];

const ALLOWED: readonly (readonly [path: string, text: string])[] = [
  ['raft/src/log.ts', 'x;\n'.repeat(400)],
  ['raft/src/paths.ts', `import '..${'/wo'}rk/plan.ts';\nconst path = '/srv${'/wo'}rk${'/ro'}ot/';\n`],
  ['proto/src/gen/cell/v1/agents_pb.ts', 'x;\n'.repeat(5000)],
  ['vitest.config.ts', ''],
  ['test/cluster/lost-node.cluster.test.ts', ''],
];

test.each(PLANTED)('%s is refused', (path, text, problem) => {
  const problems = findTreeProblems([{ path, text }]);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});

test.each(ALLOWED)('%s is fine', (path, text) => {
  expect(findTreeProblems([{ path, text }])).toEqual([]);
});
