import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PACKAGES = [
  'proto',
  'identity',
  'job',
  'config',
  'daemon',
  'raft',
  'control-plane',
  'agent',
  'sdk',
  'cli',
  'packaging',
  'test',
];

/** Rule, importing file, what it imports, and the path to which that leads. */
const PLANTED: readonly (readonly [rule: string, from: string, specifier: string, to: string])[] = [
  ['raft-core-imports-nothing', 'raft/src/core/planted.ts', 'node:fs', 'fs'],
  ['raft-core-imports-nothing', 'raft/src/core/planted-codec.ts', '../codec/index.ts', 'raft/src/codec/index.ts'],
  ['raft-stands-alone', 'raft/src/driver/planted.ts', '@cell/proto', 'proto/src/index.ts'],
  [
    'raft-product-without-its-harness',
    'raft/src/storage/planted.ts',
    '../simulator/index.ts',
    'raft/src/simulator/index.ts',
  ],
  ['proto-imports-protobuf', 'proto/src/planted.ts', '@cell/job', 'job/src/index.ts'],
  ['config-imports-its-parser', 'config/src/planted.ts', '@cell/proto', 'proto/src/index.ts'],
  ['identity-imports-grpc', 'identity/src/planted.ts', '@cell/proto', 'proto/src/index.ts'],
  ['audit-hash-is-pure', 'identity/src/audit-hash.ts', 'node:fs', 'fs'],
  [
    'access-imports-inwards',
    'control-plane/src/access/planted.ts',
    '../api/index.ts',
    'control-plane/src/api/index.ts',
  ],
  [
    'authority-imports-inwards',
    'control-plane/src/authority/planted.ts',
    '../api/index.ts',
    'control-plane/src/api/index.ts',
  ],
  [
    'listen-imports-inwards',
    'control-plane/src/listen/planted.ts',
    '../api/index.ts',
    'control-plane/src/api/index.ts',
  ],
  ['daemon-imports-config', 'daemon/src/planted.ts', '@cell/proto', 'proto/src/index.ts'],
  ['daemon-for-programs', 'agent/src/execute/planted.ts', '@cell/daemon', 'daemon/src/index.ts'],
  ['job-imports-nothing', 'job/src/planted.ts', 'node:path', 'path'],
  ['job-imports-nothing', 'job/src/planted-contract.ts', '@cell/proto', 'proto/src/index.ts'],
  ['job-wire-imports-proto', 'job/src/wire.ts', 'node:path', 'path'],
  ['model-imports-job', 'control-plane/src/model/planted.ts', '../state/index.ts', 'control-plane/src/state/index.ts'],
  ['state-imports-model', 'control-plane/src/state/planted.ts', '../plan/index.ts', 'control-plane/src/plan/index.ts'],
  ['state-imports-model', 'control-plane/src/state/planted-clock.ts', 'node:timers', 'timers'],
  [
    'plan-imports-state',
    'control-plane/src/plan/planted.ts',
    '../execute/index.ts',
    'control-plane/src/execute/index.ts',
  ],
  [
    'execute-imports-inwards',
    'control-plane/src/execute/planted.ts',
    '../api/index.ts',
    'control-plane/src/api/index.ts',
  ],
  [
    'consensus-imports-inwards',
    'control-plane/src/consensus/planted.ts',
    '../http/index.ts',
    'control-plane/src/http/index.ts',
  ],
  [
    'api-imports-inwards',
    'control-plane/src/api/planted.ts',
    '../execute/index.ts',
    'control-plane/src/execute/index.ts',
  ],
  [
    'http-imports-inwards',
    'control-plane/src/http/planted.ts',
    '../consensus/index.ts',
    'control-plane/src/consensus/index.ts',
  ],
  [
    'entering-imports-consensus',
    'control-plane/src/founding/planted.ts',
    '../api/index.ts',
    'control-plane/src/api/index.ts',
  ],
  ['control-plane-stays-apart', 'control-plane/src/planted.test.ts', '@cell/agent', 'agent/src/index.ts'],
  ['reconcile-imports-its-own', 'agent/src/reconcile/planted.ts', '../runtime/index.ts', 'agent/src/runtime/index.ts'],
  ['agent-imports-proto', 'agent/src/runtime/planted.ts', '@cell/job', 'job/src/index.ts'],
  ['agent-stays-apart', 'agent/src/planted.test.ts', '@cell/control-plane', 'control-plane/src/index.ts'],
  ['sdk-imports-contracts', 'sdk/src/planted.ts', '@cell/raft', 'raft/src/index.ts'],
  ['cli-imports-sdk', 'cli/src/planted.ts', '@cell/proto', 'proto/src/index.ts'],
  ['cli-imports-sdk', 'cli/src/planted-agent.ts', '@cell/agent', 'agent/src/index.ts'],
  ['cli-dev-starts-a-fleet', 'cli/src/commands/dev/planted.ts', '@cell/raft', 'raft/src/index.ts'],
  ['packaging-imports-its-bundler', 'packaging/src/planted.ts', '@cell/agent', 'agent/src/index.ts'],
  ['nothing-imports-test', 'sdk/src/planted-test.ts', '@cell/test', 'test/src/index.ts'],
  ['nothing-imports-the-root', 'cli/src/planted-root.ts', '../../scripts/planted.ts', 'scripts/planted.ts'],
  ['nothing-imports-main', 'agent/src/health/planted.ts', '../main.ts', 'agent/src/main.ts'],
  ['product-without-test-tools', 'sdk/src/planted-tools.ts', 'vitest', 'node_modules/vitest/index.js'],
  ['product-without-test-tools', 'sdk/src/planted-suite-user.ts', './planted.test.ts', 'sdk/src/planted.test.ts'],
  ['public-door-only', 'test/src/planted.ts', '../../raft/src/core/planted.ts', 'raft/src/core/planted.ts'],
  ['no-cycle', 'job/src/planted-back.ts', './planted-cycle.ts', 'job/src/planted-cycle.ts'],
  ['resolvable', 'cli/src/planted-missing.ts', './missing.ts', './missing.ts'],
];

/** What the rules must not forbid. */
const ALLOWED: readonly (readonly [from: string, specifier: string])[] = [
  ['raft/src/core/allowed.test.ts', 'vitest'],
  ['raft/src/core/allowed.test.ts', 'node:fs'],
  ['raft/src/storage/allowed.ts', 'node:fs'],
  ['raft/src/storage/allowed.ts', '../core/index.ts'],
  ['raft/src/codec/allowed-arbitraries.ts', 'vitest'],
  ['control-plane/src/model/allowed.ts', '@cell/job'],
  ['control-plane/src/plan/allowed.ts', '../state/index.ts'],
  ['control-plane/src/execute/allowed.ts', '../ports.ts'],
  ['control-plane/src/execute/allowed.ts', '../cell-error.ts'],
  ['control-plane/src/execute/allowed.ts', '@cell/raft'],
  ['control-plane/src/main.ts', './api/index.ts'],
  ['control-plane/src/main.ts', '@cell/daemon'],
  ['daemon/src/allowed.ts', '@cell/config'],
  ['agent/src/link/allowed.ts', '@cell/proto'],
  ['agent/src/secrets/allowed.ts', '@cell/job/credential-name'],
  ['agent/src/settings.ts', '@cell/config'],
  ['cli/src/allowed.ts', '@cell/sdk'],
  ['cli/src/allowed.ts', '@cell/job'],
  ['cli/src/commands/dev/allowed.ts', '@cell/control-plane'],
  ['cli/src/commands/dev/allowed.ts', '@cell/agent'],
  ['test/src/allowed.ts', '@cell/raft'],
];

interface Report {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
}

let root = '';
let report: Report;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { flag: 'a' });
}

function plantTree(): void {
  for (const name of PACKAGES) {
    const exports = { '.': './src/index.ts', './*': './src/*.ts' };
    write(`${name}/package.json`, JSON.stringify({ name: `@cell/${name}`, type: 'module', exports }));
    mkdirSync(join(root, 'node_modules/@cell'), { recursive: true });
    symlinkSync(join(root, name), join(root, 'node_modules/@cell', name));
  }
  write('node_modules/vitest/package.json', '{"name": "vitest", "main": "index.js"}');
  write('package.json', '{"name": "planted", "type": "module"}');
  write('job/src/planted-cycle.ts', "import './planted-back.ts';\n");
  const targets = [
    ...PACKAGES.map((name) => `${name}/src/index.ts`),
    ...['model', 'state', 'plan', 'execute', 'consensus', 'api', 'http'].map(
      (part) => `control-plane/src/${part}/index.ts`,
    ),
    ...['core', 'codec', 'simulator'].map((part) => `raft/src/${part}/index.ts`),
    'control-plane/src/ports.ts',
    'control-plane/src/cell-error.ts',
    'agent/src/runtime/index.ts',
    'agent/src/main.ts',
    'job/src/credential-name.ts',
    'scripts/planted.ts',
    'node_modules/vitest/index.js',
    'sdk/src/planted.test.ts',
  ];
  for (const target of targets) write(target, 'export const planted = 1;\n');
  for (const [, from, specifier] of PLANTED) write(from, `import '${specifier}';\n`);
  for (const [from, specifier] of ALLOWED) write(from, `import '${specifier}';\n`);
}

function check(folder: string): Report {
  const command = [resolve(REPOSITORY, 'scripts/check/imports.ts'), folder];
  const { status, stdout } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { exitCode: status, lines: stdout.split('\n') };
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-imports-'));
  plantTree();
  report = check(root);
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test.each(PLANTED)('rule %s catches %s importing %s', (rule, from, _specifier, to) => {
  const caught = report.lines.filter((line) => line.startsWith(`${rule}: ${from} -> ${to}`));
  expect(caught, report.lines.join('\n')).toHaveLength(1);
  expect(report.exitCode).toBe(1);
});

test.each(ALLOWED)('no rule forbids %s to import %s', (from) => {
  expect(report.lines.filter((line) => line.includes(`: ${from} ->`))).toEqual([]);
});

test('every rule has a planted violation', async () => {
  const config = (await import(resolve(REPOSITORY, '.dependency-cruiser.mjs'))) as {
    default: { forbidden: { name: string }[] };
  };
  const rules = config.default.forbidden.map((rule) => rule.name);
  expect([...new Set(PLANTED.map(([rule]) => rule))].toSorted()).toEqual(rules.toSorted());
});

test('every package is planted here and has a rule of its own', () => {
  const { workspaces } = JSON.parse(readFileSync(resolve(REPOSITORY, 'package.json'), 'utf8')) as {
    workspaces: string[];
  };
  expect(PACKAGES.toSorted()).toEqual(workspaces.toSorted());
  const importers = new Set(PLANTED.map(([, from]) => from.split('/')[0] ?? ''));
  expect([...importers].toSorted()).toEqual(workspaces.toSorted());
});

test('a check that sees no imports fails', () => {
  const empty = mkdtempSync(join(tmpdir(), 'cell-imports-'));
  try {
    mkdirSync(join(empty, 'raft/src'), { recursive: true });
    writeFileSync(join(empty, 'raft/src/index.ts'), 'export const alone = 1;\n');
    expect(check(empty)).toMatchObject({ exitCode: 1 });
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
});

test('type-only imports count', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cell-imports-'));
  try {
    mkdirSync(join(folder, 'raft/src/core'), { recursive: true });
    writeFileSync(join(folder, 'raft/src/port.ts'), 'export type Port = number;\n');
    writeFileSync(
      join(folder, 'raft/src/core/raft.ts'),
      "import type { Port } from '../port.ts';\nexport type P = Port;\n",
    );
    expect(check(folder).lines[0]).toMatch(
      /^raft-core-imports-nothing: raft\/src\/core\/raft\.ts -> raft\/src\/port\.ts/,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
