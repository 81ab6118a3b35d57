/** Writes docs/job-file.md from the schema of job files: node scripts/generate-job-file-docs.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultOf, type FieldSchema, jobFileSchema, renderValue, type SectionSchema } from '@cell/job';

const root = resolve(import.meta.dirname, '..');
export const pageFile = resolve(root, 'docs/job-file.md');

if (import.meta.main) {
  writeFileSync(pageFile, renderPage());
  process.stdout.write(`Wrote ${pageFile}\n`);
}

/** The page that documents every field. */
export function renderPage(): string {
  const example = (name: string) => readFileSync(resolve(root, 'examples', name), 'utf8').trimEnd();
  return [opening(example('web.toml'), example('pi.toml')), ...jobFileSchema.map(renderSection), closing()].join('\n');
}

function opening(service: string, sandboxed: string): string {
  return `<!-- Made by scripts/generate-job-file-docs.ts from the schema in job/src/schema. Don't edit by hand. -->

# Job files

A job file says what should run: one job, in [TOML 1.0](https://toml.io/en/v1.0.0). \`cellctl job plan FILE\` shows what
it would change, \`cellctl job run FILE\` makes it so. A file that is wrong gets every problem at once, each with its
line, key, value and what is allowed, and changes nothing:

\`\`\`text
web.toml:7: resources.memory = "12 potatoes": must be a size such as "512MiB" (a whole number and MiB or GiB, …)
web.toml:9: comand = ["node"]: is no key of a job file; did you mean "command"? (keys here: name, type, …)
\`\`\`

The shortest job file:

\`\`\`toml
name = "hello"
command = ["sleep", "infinity"]
\`\`\`

A whole one, \`examples/web.toml\`:

\`\`\`toml
${service}
\`\`\`

One that is shut off from its nodes, \`examples/pi.toml\`:

\`\`\`toml
${sandboxed}
\`\`\`
`;
}

function renderSection(section: SectionSchema): string {
  const rows = Object.values(section.fields).map((field) => renderRow(field, section));
  return [
    `## ${title(section)}`,
    '',
    section.doc + (section.entriesMax === undefined ? '' : ` At most ${section.entriesMax}.`),
    '',
    '```toml',
    renderExample(section),
    '```',
    '',
    '| Key | Allowed | Default |',
    '|---|---|---|',
    ...rows.map(({ allowed }) => allowed),
    '',
    ...rows.map(({ doc }) => doc),
    '',
  ].join('\n');
}

function title(section: SectionSchema): string {
  if (section.shape === 'root') return 'Top level';
  return section.shape === 'list' ? `\`[[${section.key}]]\`` : `\`[${section.key}]\``;
}

function renderRow(field: FieldSchema<unknown>, section: SectionSchema): { allowed: string; doc: string } {
  const key = section.shape === 'map' ? '*NAME*' : `\`${field.key}\``;
  // Only what looks like a value is set as code, and a bar would end the table's cell.
  const allowed = field.type.allowed.replaceAll(/"[^"]*"|\[[^\]]*\]/g, '`$&`').replaceAll('|', '\\|');
  return { allowed: `| ${key} | ${allowed} | ${renderDefault(field)} |`, doc: `- ${key}: ${field.doc}` };
}

function renderDefault(field: FieldSchema<unknown>): string {
  if (field.required === true) return '**required**';
  if (field.defaultText !== undefined) return field.defaultText;
  const written = (value: unknown) => `\`${renderValue(field.type.toFile(value))}\``;
  const differing = Object.keys(field.defaultByType ?? {}).map((type) => {
    return `; ${type} jobs: ${written(defaultOf(field, type as 'batch' | 'service' | 'system'))}`;
  });
  return written(field.default) + differing.join('');
}

/** All keys of the section with the schema's examples. */
function renderExample(section: SectionSchema): string {
  const shown = Object.values(section.fields).filter((field) => !exampleLeavesOut(section, field));
  const lines = shown.map(({ key, example }) => `${key} = ${example}`);
  const header = section.shape === 'list' ? [`[[${section.key}]]`] : [`[${section.key}]`];
  return [...(section.shape === 'root' ? [] : header), ...lines].join('\n');
}

/** The example's health check is an http one, which has no command. */
function exampleLeavesOut(section: SectionSchema, field: FieldSchema<unknown>): boolean {
  return section.key === 'health' && field.key === 'command';
}

function closing(): string {
  return `## What Cell sets

The command finds these in its environment, and \`\${…}\` stands for each of them in \`command\`, in the values of
\`[environment]\` and in \`working_directory\`. A reference to any other \`CELL_\` name is refused.

| Name | Holds |
|---|---|
| \`CELL_JOB\` | name of the job |
| \`CELL_JOB_VERSION\` | version of the job that the instance runs |
| \`CELL_ALLOCATION\` | id of the allocation |
| \`CELL_INSTANCE\` | which of the job's instances it is, counted from 0 |
| \`CELL_NODE\` | name of the node |
| \`CELL_ADDRESS\` | address at which the node's ports are reached |
| \`CELL_PORT_<NAME>\` | number of the port of that name, in upper case and with \`_\` for \`-\` |

## Units

- **Lengths of time** are a whole number and \`ms\`, \`s\`, \`m\` or \`h\`: \`"500ms"\`, \`"90s"\`. There is no \`"1m30s"\`.
- **Memory** is a whole number and \`MiB\` or \`GiB\`. Decimal units (MB, GB) are refused, because nobody can tell
  whether the person meant them; the error names the binary size.
- **Processor** is a number of cores, also a part of one: \`0.1\`, \`2\`.

## What nodes must be able to do

Nodes differ: one whose agent runs workloads as units of systemd can do most of what stands here, one that runs them as
plain processes can do none of it, and a device is there or not. A node that can't do what a job asks for is not taken,
and if that leaves none, \`cellctl job plan\` and \`cellctl job run\` say which key asks for what, and the latter ends with
exit code 2. Asked for is what the file says: \`sandbox = "default"\` and keys that are left out ask for nothing. What
runs already is left alone if its node can do less than before.

## How long a file may be

The text of \`command\`, the health check's \`command\` and \`[environment]\` together is at most 256 KiB in UTF-8, and a
file at most 1 MiB.
`;
}
