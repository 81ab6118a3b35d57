import type { World } from '../world.ts';
import { jsonText } from './json-text.ts';
import type { Style } from './style.ts';
import type { OutputFormat, View } from './view.ts';
import { renderYaml } from './yaml.ts';

/** Of output that no terminal shows. */
const WIDTH_DEFAULT = 80;
const WIDTH_MIN = 40;

export function renderView(view: View, format: OutputFormat, style: Style): string {
  if (format === 'json') return `${jsonText(view.plain(), 2)}\n`;
  if (format === 'yaml') return renderYaml(view.plain());
  return view.text(style);
}

/** The style of the output, or of the error output, for a format. */
export function styleOf(
  world: World,
  options: { readonly noColor: boolean; readonly format: OutputFormat; readonly of?: 'errors' },
): Style {
  const stream = options.of === 'errors' ? world.errors : world.output;
  const wide = options.format === 'wide';
  return {
    width: wide ? Number.POSITIVE_INFINITY : Math.max(WIDTH_MIN, stream.columns ?? WIDTH_DEFAULT),
    wide,
    colours: hasColours(world, stream.isTerminal, options.noColor),
    nowMs: world.clock.wallMs(),
  };
}

function hasColours({ environment }: World, isTerminal: boolean, noColor: boolean): boolean {
  if (noColor || !isTerminal || environment['TERM'] === 'dumb') return false;
  // By the convention, any value but the empty one turns colours off.
  return (environment['NO_COLOR'] ?? '') === '';
}
