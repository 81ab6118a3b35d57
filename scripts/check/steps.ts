export interface Step {
  readonly name: string;
  readonly what: string;
  readonly command: readonly [string, ...string[]];
  /** Its output says something also when it passes. */
  readonly showsOutput?: boolean;
}

/** What the gate consists of. The longest come first. */
export const steps: readonly Step[] = [
  { name: 'dead-code', what: 'no file, export or dependency is unused', command: ['knip', '--no-config-hints'] },
  {
    name: 'dead-product-code',
    what: 'nothing that is shipped is used by tests only, and packages declare what they import',
    command: ['knip', '--strict', '--no-config-hints'],
  },
  { name: 'types', what: 'the compiler accepts every file', command: ['tsc', '--noEmit'] },
  {
    name: 'imports',
    what: 'parts import only what they may',
    command: ['node', 'scripts/check/imports.ts'],
    showsOutput: true,
  },
  { name: 'format', what: 'format, import order and style', command: ['biome', 'check', '--error-on-warnings', '.'] },
  {
    name: 'lint',
    what: 'promises, exhaustive switches, no clock or chance in pure code',
    command: ['oxlint', '--type-aware', '--deny-warnings'],
  },
  { name: 'proto-lint', what: 'contracts follow the style', command: ['buf', 'lint', 'proto'] },
  {
    name: 'proto-breaking',
    what: 'contracts stay compatible',
    command: ['node', 'scripts/check/breaking.ts'],
    showsOutput: true,
  },
  { name: 'generated', what: 'generated code is current', command: ['node', 'scripts/check/generated.ts'] },
  {
    name: 'tree',
    what: 'names, lengths and words of files',
    command: ['node', 'scripts/check/tree.ts'],
    showsOutput: true,
  },
];
