/**
 * Checks that proto/src/gen is what `npm run generate` would make, without touching it:
 * `node scripts/check/generated.ts [PROTO]`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const GENERATED = 'src/gen';
const proto = resolve(process.argv[2] ?? 'proto');

/** Path below `folder` -> content. */
function readFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), readFileSync(path, 'utf8'));
  }
  return files;
}

/** What is generated from a copy of the contracts. */
function generate(): Map<string, string> {
  const copy = mkdtempSync(join(tmpdir(), 'cell-generated-'));
  try {
    cpSync(proto, copy, { recursive: true, filter: (path) => !path.includes('node_modules') });
    rmSync(join(copy, GENERATED), { recursive: true, force: true });
    execFileSync('buf', ['generate'], { cwd: copy, stdio: ['ignore', 'inherit', 'inherit'] });
    return readFiles(join(copy, GENERATED));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const expected = generate();
const actual = readFiles(join(proto, GENERATED));
for (const path of new Set([...expected.keys(), ...actual.keys()])) {
  if (expected.get(path) === actual.get(path)) continue;
  process.stdout.write(`${join(proto, GENERATED, path)} is not what the contracts say; run "npm run generate"\n`);
  process.exitCode = 1;
}
if (expected.size === 0) {
  process.stdout.write('Cannot generate anything; check proto/buf.gen.yaml\n');
  process.exitCode = 1;
}
