import { create } from '@bufbuild/protobuf';
import { PlacementFailureSchema } from '@cell/sdk';
import { expect, test } from 'vitest';
import { renderUnplaced } from './job-table.ts';

const style = { width: 80, wide: false, colours: false, nowMs: 0 };

test('a refusal says how many nodes it rules out, unless it is not about nodes', () => {
  const failure = create(PlacementFailureSchema, {
    count: 2,
    reasons: [
      { reason: 'memory: 512 MiB asked, 128 MiB free at most', nodes: 3 },
      { reason: '2 instances failed 5 times in a row', nodes: 0 },
    ],
    hint: 'lower resources.memory to 128MiB',
  });
  expect(renderUnplaced(failure, style)).toBe(
    [
      '2 instances find no node:',
      '  memory: 512 MiB asked, 128 MiB free at most (3 nodes)',
      '  2 instances failed 5 times in a row',
      '  To place one more: lower resources.memory to 128MiB',
      '',
    ].join('\n'),
  );
});
