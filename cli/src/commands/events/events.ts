import { CellApiError, type CellClient, type Event, EventSchema, type PlainValue, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { cutToWidth, oneLine, textWidth } from '../../output/cell-text.ts';
import { jsonText } from '../../output/json-text.ts';
import { styleOf } from '../../output/print-view.ts';
import { paint, type Style, type Tone } from '../../output/style.ts';
import { isoSeconds, sentTimeMs } from '../../output/timestamp-text.ts';
import { renderYaml } from '../../output/yaml.ts';
import type { World } from '../../world.ts';

const LIMIT_MAX = 1_000_000;
const RECONNECT_MS = 500;
/** Failures in a row until a followed stream is given up. */
const RECONNECTS_MAX = 20;

export const events = defineCommand({
  path: ['events'],
  summary: 'what happened in the fleet, the newest last',
  description: [
    'With -o json each line is one event. A followed stream outlasts the loss of the member that it comes from.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    follow: { kind: 'switch', short: 'f', summary: 'go on with what happens, until Ctrl-C' },
    since: { kind: 'duration', min: '1s', max: '3650d', summary: 'only what happened in this time until now' },
    lines: { kind: 'count', short: 'n', value: 'N', min: 1, max: LIMIT_MAX, summary: 'only so many of the newest' },
  },
  examples: [
    { command: 'cellctl events --since 1h', what: 'What happened in the last hour' },
    { command: 'cellctl events -f -n 10', what: 'The last ten, and what follows' },
  ],
  async run({ flags, globals, world, client }) {
    const found = styleOf(world, { noColor: globals['no-color'], format: flags.output });
    // Lines are for grep and its like, unless a terminal would break them.
    const style = { ...found, width: world.output.isTerminal ? found.width : Number.POSITIVE_INFINITY };
    const sinceMs = flags.since === undefined ? 0 : world.clock.wallMs() - flags.since;
    for await (const event of readEvents(world, client(), flags.follow, flags.lines ?? 0)) {
      if (event.time === undefined || sentTimeMs(event.time) < sinceMs) continue;
      await world.output.write(eventText(event, flags.output, style));
    }
    world.signal.throwIfAborted();
  },
});

/** Each event once; when followed, over as many connections as it takes. */
async function* readEvents(world: World, client: CellClient, follow: boolean, limit: number): AsyncGenerator<Event> {
  let lastIndex = 0n;
  let seenAtLast = 0;
  for (let failures = 0; ; ) {
    // Several events may share an index: those of the last one are read again, and left out.
    const afterIndex = lastIndex === 0n ? 0n : lastIndex - 1n;
    let skip = seenAtLast;
    const request = { follow, afterIndex, limit: lastIndex === 0n ? limit : 0 };
    try {
      for await (const { event } of client.fleet.streamEvents(request, { signal: world.signal })) {
        failures = 0;
        if (event === undefined) continue;
        if (event.index === lastIndex && skip > 0) {
          skip -= 1;
          continue;
        }
        seenAtLast = event.index === lastIndex ? seenAtLast + 1 : 1;
        lastIndex = event.index;
        yield event;
      }
      return;
    } catch (error) {
      failures += 1;
      const passes = error instanceof CellApiError && PASSING.has(error.code);
      if (!follow || !passes || failures > RECONNECTS_MAX) throw error;
    }
    await world.clock.sleep(RECONNECT_MS, world.signal);
  }
}

/** A slow reader is cut off with "overloaded", and may begin again where it was. */
const PASSING: ReadonlySet<string> = new Set([
  'CELL_E_CONNECTION_LOST',
  'CELL_E_UNREACHABLE',
  'CELL_E_NO_LEADER',
  'CELL_E_OVERLOADED',
  'CELL_E_TIMEOUT',
]);

export function eventText(event: Event, format: string, style: Style): string {
  if (format === 'json') return `${jsonText(plainMessage(EventSchema, event))}\n`;
  if (format === 'yaml') return renderYaml([plainMessage(EventSchema, event)] as PlainValue);
  const time = event.time === undefined ? '' : isoSeconds(event.time);
  const type = oneLine(event.type);
  const what = oneLine(format === 'wide' ? `${event.index}  ${event.subject}: ${event.message}` : shortText(event));
  const room = style.width - time.length - textWidth(type) - 4;
  return `${paint(time, 'faint', style)}  ${paint(type, toneOf(type), style)}  ${cutToWidth(what, Math.max(20, room), 'end')}\n`;
}

/** Messages name allocations, drills and members themselves, but not the other things that they are about. */
function shortText({ subject, message }: Event): string {
  return /^(?:node|job|token|secret|authority|key)\//u.test(subject) ? `${subject}: ${message}` : message;
}

function toneOf(type: string): Tone | undefined {
  if (/Lost|Failed|Unhealthy/u.test(type)) return 'bad';
  return /Ready|Healthy|Registered|Complete/u.test(type) ? 'good' : undefined;
}
