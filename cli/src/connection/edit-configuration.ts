/** Changes to the file that people keep: their comments and the order of their lines stay. */
import { CliError } from '../cli-error.ts';
import {
  type Configuration,
  configurationFile,
  type PersonsPlace,
  parseConfiguration,
  readConfigurationText,
} from './configuration.ts';
import { writePrivateFile } from './private-file.ts';

/** So that names are plain in TOML, and as names of folders. */
export const CONTEXT_NAME = /^[A-Za-z0-9_-]{1,63}$/;

/** Makes a context the one that is used if nothing else is said. */
export function chooseContext(place: PersonsPlace, name: string): void {
  change(
    place,
    (text) => withTopKey(text, `context = "${name}"`),
    (now) => now.context === name,
  );
}

/** Says where the control plane of a context is. Does nothing if it is known. */
export function setAddresses(place: PersonsPlace, name: string, addresses: readonly string[]): void {
  const isSo = ({ contexts }: Configuration) =>
    Object.hasOwn(contexts, name) && contexts[name]?.addresses.join() === addresses.join();
  const line = `addresses = [${addresses.map((address) => `"${address}"`).join(', ')}]`;
  change(place, (text) => withAddresses(text, name, line), isSo);
}

function change(place: PersonsPlace, edit: (text: string) => string, isSo: (now: Configuration) => boolean): void {
  const file = configurationFile(place);
  const text = readConfigurationText(file) ?? '';
  if (isSo(parseConfiguration(text, file))) return;
  const edited = edit(text);
  if (!understood(edited, file, isSo)) {
    const message = `Could not change "${file}", which is written in an unusual way. Put this into it yourself`;
    throw new CliError('CELL_E_CONFIG', `${message}:\n${edit('')}`);
  }
  writePrivateFile(file, edited);
}

function understood(text: string, file: string, isSo: (now: Configuration) => boolean): boolean {
  try {
    return isSo(parseConfiguration(text, file));
  } catch {
    return false;
  }
}

/** Keys of no table stand before the first table. */
function withTopKey(text: string, line: string): string {
  const lines = text.split('\n');
  const tables = lines.findIndex((each) => /^\s*\[/.test(each));
  const known = lines.findIndex((each, place) => /^\s*context\s*=/.test(each) && (tables === -1 || place < tables));
  if (known !== -1) return lines.with(known, line).join('\n');
  return text === '' ? `${line}\n` : `${line}\n${tables === 0 ? '\n' : ''}${text}`;
}

function withAddresses(text: string, name: string, line: string): string {
  const lines = text.split('\n');
  const header = lines.findIndex((each) => each.trim() === `[contexts.${name}]`);
  if (header === -1) return `${text === '' ? '' : `${text.trimEnd()}\n\n`}[contexts.${name}]\n${line}\n`;
  const next = lines.findIndex((each, place) => place > header && /^\s*\[/.test(each));
  const end = next === -1 ? lines.length : next;
  const known = lines.findIndex((each, place) => place > header && place < end && /^\s*addresses\s*=.*\]/.test(each));
  return known === -1 ? lines.toSpliced(header + 1, 0, line).join('\n') : lines.with(known, line).join('\n');
}
