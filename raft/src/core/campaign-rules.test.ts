import { expect, test } from 'vitest';
import { defaultConfig } from './default-config.ts';
import { EMPTY_CONF_STATE, MemoryLog } from './log/memory-log.ts';
import { draftMessage, NO_BYTES } from './message.ts';
import { RawNode } from './raw-node.ts';

const TERM = 5;

/** Member 1 of three, in term 5. */
function start(random: (below: number) => number): RawNode {
  const log = new MemoryLog();
  log.applySnapshot({ meta: { index: 1, term: 1, conf: { ...EMPTY_CONF_STATE, voters: [1, 2, 3] } }, data: NO_BYTES });
  log.setHardState({ term: TERM, vote: 0, commit: 1 });
  return new RawNode({ ...defaultConfig, id: 1, log, applied: 1, random });
}

function ticksToCampaign(node: RawNode): number {
  for (let ticks = 1; ticks <= 2 * defaultConfig.electionTicks; ticks++) {
    node.tick();
    if (node.basicStatus().role !== 'follower') return ticks;
  }
  throw new Error('It never campaigns');
}

test('an election timeout is between one and two times the configured one, as chance has it', () => {
  const { electionTicks } = defaultConfig;
  expect(ticksToCampaign(start(() => 0))).toBe(electionTicks);
  expect(ticksToCampaign(start(() => 3))).toBe(electionTicks + 3);
  expect(ticksToCampaign(start((below) => below - 1))).toBe(2 * electionTicks - 1);
});

test('a pre-vote of a lower term is refused with our term, so that its sender comes up to it', () => {
  const node = start(() => 0);
  const request = draftMessage('pre-vote', 1);
  request.from = 2;
  request.term = TERM - 1;
  request.index = 9;
  request.logTerm = 2;
  node.step(request);
  expect(node.ready().messages).toMatchObject([{ type: 'pre-vote-response', to: 2, term: TERM, reject: true }]);
});
