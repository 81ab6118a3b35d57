import type { ProgressView } from '../core/index.ts';
import type { NodeId } from '../core/types.ts';
import { PROGRESS_NAMES } from './names.ts';

/** One member's progress as in `StateProbe match=0 next=11 paused inactive`. */
export function progressText(progress: ProgressView): string {
  let text = `${PROGRESS_NAMES[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.learner) text += ' learner';
  if (progress.paused) text += ' paused';
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentlyActive) text += ' inactive';
  if (progress.inflight > 0) text += ` inflight=${progress.inflight}${progress.inflightFull ? '[full]' : ''}`;
  return text;
}

/** One line per member, in order of id. */
export function progressMapText(progress: ReadonlyMap<NodeId, ProgressView>): string {
  const ids = [...progress.keys()].sort((a, b) => a - b);
  return ids.map((id) => `${id}: ${progressText(progress.get(id) as ProgressView)}\n`).join('');
}
