import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { steps } from '../../scripts/check/steps.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** A small copy of the layout. Names say what knip must think of them. */
const FILES: Readonly<Record<string, string>> = {
  'package.json':
    '{"name": "cell", "type": "module", "workspaces": ["proto", "raft", "test"], "devDependencies": {"vitest": "5.1.1"}}',
  'tsconfig.json': '{"compilerOptions": {"module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true}}',
  'proto/package.json':
    '{"name": "@cell/proto", "type": "module", "exports": "./src/index.ts", "dependencies": {"unused-package": "1.0.0"}}',
  'proto/src/index.ts': "export { generated } from './gen/cell_pb.ts';\n",
  'proto/src/gen/cell_pb.ts': 'export const generated = 1;\nexport const generatedAndUnused = 1;\n',
  'proto/src/gen/unused_pb.ts': 'export const generatedToo = 1;\n',
  'raft/package.json': '{"name": "@cell/raft", "type": "module", "exports": "./src/index.ts"}',
  'raft/src/index.ts':
    "import { used } from './log.ts';\nimport 'undeclared-package';\nexport const answer = used + 1;\n",
  'raft/src/log.ts':
    'export const used = 1;\nexport const unusedExport = 2;\nexport const forTestsOnly = 3;\nexport const usedHere = 4;\nexport const last = (): number => usedHere;\n',
  'raft/src/log.test.ts':
    "import { forTestsOnly, last } from './log.ts';\nimport './log-arbitraries.ts';\nimport './test-only.ts';\nvoid forTestsOnly;\nvoid last;\n",
  'raft/src/log-arbitraries.ts': 'export {};\n',
  'raft/src/test-only.ts': 'export {};\n',
  'raft/src/unused-file.ts': 'export {};\n',
  'raft/src/simulator/main.ts': "import './world.ts';\n",
  'raft/src/simulator/world.ts': 'export {};\n',
  'test/package.json': '{"name": "@cell/test", "type": "module"}',
  'test/demo/main.ts': "import '@cell/raft';\n",
};

let root = '';
const output = new Map<string, string>();

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-dead-code-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  cpSync(join(REPOSITORY, 'knip.json'), join(root, 'knip.json'));
  cpSync(join(REPOSITORY, 'vitest.config.ts'), join(root, 'vitest.config.ts'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  for (const step of steps.filter(({ command }) => command[0] === 'knip')) {
    const command = [join(REPOSITORY, 'node_modules/knip/bin/knip.js'), ...step.command.slice(1)];
    output.set(step.name, spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' }).stdout);
  }
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test.each(['raft/src/unused-file.ts', 'unusedExport', 'unused-package', 'undeclared-package'])(
  'dead code is found: %s',
  (planted) => {
    expect(output.get('dead-code')).toContain(planted);
  },
);

test.each(['raft/src/test-only.ts', 'forTestsOnly'])('what only tests use is found: %s', (planted) => {
  expect(output.get('dead-code')).not.toContain(planted);
  expect(output.get('dead-product-code')).toContain(planted);
});

test.each(['_pb.ts', 'generatedAndUnused', 'usedHere', 'log-arbitraries', 'simulator', 'demo/main.ts', 'index.ts:1'])(
  'no fault is found with %s',
  (planted) => {
    for (const text of output.values()) {
      expect(text.replaceAll(/^undeclared-package.*$/gm, '')).not.toContain(planted);
    }
  },
);
