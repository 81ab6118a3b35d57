/** Checks who imports whom: `node scripts/check/imports.ts [ROOT]`. The rules are in .dependency-cruiser.mjs. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** The part of the tool's JSON that is read here. */
interface CruiseResult {
  readonly summary: {
    readonly totalCruised: number;
    readonly totalDependenciesCruised: number;
    readonly violations: readonly Violation[];
  };
}

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  readonly comment?: string;
  readonly cycle?: readonly { readonly name: string }[];
}

interface Manifest {
  readonly workspaces: readonly string[];
}

function cruise(root: string): CruiseResult {
  const { workspaces } = JSON.parse(readFileSync(resolve(REPOSITORY, 'package.json'), 'utf8')) as Manifest;
  const folders = [...workspaces, 'scripts'].filter((folder) => existsSync(resolve(root, folder)));
  const config = resolve(REPOSITORY, '.dependency-cruiser.mjs');
  const tool = resolve(REPOSITORY, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const json = execFileSync(process.execPath, [tool, '--config', config, '--output-type', 'json', ...folders], {
    cwd: root,
    maxBuffer: OUTPUT_BYTES_MAX,
    encoding: 'utf8',
  });
  return JSON.parse(json) as CruiseResult;
}

function describe(violation: Violation): string {
  const cycle = violation.cycle?.map((module) => module.name).join(' -> ');
  const reason = violation.comment === undefined ? '' : ` (${violation.comment})`;
  return `${violation.rule.name}: ${violation.from} -> ${cycle ?? violation.to}${reason}`;
}

const root = resolve(process.argv[2] ?? REPOSITORY);
const { summary } = cruise(root);
for (const violation of summary.violations) process.stdout.write(`${describe(violation)}\n`);
process.stdout.write(`${summary.totalCruised} modules, ${summary.totalDependenciesCruised} imports\n`);
// Without a parser for TypeScript the tool sees no imports, and is content.
if (summary.totalCruised === 0 || summary.totalDependenciesCruised === 0) {
  process.stdout.write('Cannot see any imports; check that "@swc/core" is installed and loads\n');
  process.exitCode = 1;
}
if (summary.violations.length > 0) process.exitCode = 1;
