import { appendFileSync, chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleProgram, PROGRAMS } from './bundle-program.ts';
import { copyrightFile, type ForeignPart } from './copyright-file.ts';
import { DAEMONS, maintainerScript } from './daemons.ts';
import { nodePart, npmPart } from './foreign-parts.ts';
import { LAUNCHERS, launcherScript, readFlagValues } from './launcher.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { changelogFile, type Release } from './release.ts';
import { stageManual } from './stage-manual.ts';

/** Which package has which bundle. */
const PACKAGE_OF_BUNDLE = { agent: 'cell-agent', 'control-plane': 'cell-control-plane', cellctl: 'cellctl' } as const;
const LIBRARY = 'usr/lib/cell';
const SCRIPTS = ['preinst', 'postinst'];

interface StageRequest {
  readonly root: string;
  readonly release: Release;
  readonly runtime: NodeRuntime;
  /** The folder to make: one from which debhelper packs, with all files where they will be. */
  readonly folder: string;
}

/** Puts together what does not depend on the architecture, and the runtime of one. */
export async function stageSources({ root, release, runtime, folder }: StageRequest): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const debian = join(folder, 'debian');
  cpSync(join(root, 'packaging/debian'), debian, { recursive: true });
  writeFileSync(join(debian, 'changelog'), changelogFile(release));
  stageMaintainerScripts(root, debian);
  stageSettings(root, folder);
  stageLaunchers(root, folder);
  await stagePrograms({ root, release, folder });
  stageManual(root, release, folder);
  stageRuntime(runtime, folder);
}

/** Files beside the bundles may be of several programs: they come with the runtime, on which all depend. */
async function stagePrograms({ root, release, folder }: Omit<StageRequest, 'runtime'>): Promise<void> {
  const debian = join(folder, 'debian');
  const assets = new Set<string>();
  for (const program of PROGRAMS) {
    const file = join(folder, LIBRARY, `${program.bundle}.mjs`);
    const bundle = await bundleProgram({ root, program, version: release.version, file });
    for (const asset of bundle.assets) assets.add(asset);
    writeCopyright(debian, PACKAGE_OF_BUNDLE[program.bundle], bundle.packages.map(npmPart));
  }
  const lines = [...assets].toSorted().map((asset) => `${LIBRARY}/${asset}\n`);
  appendFileSync(join(debian, 'cell-runtime.install'), lines.join(''));
}

/** Replaces the runtime in a folder that was staged for another architecture. */
export function stageRuntime(runtime: NodeRuntime, folder: string): void {
  const file = join(folder, LIBRARY, 'node');
  rmSync(file, { force: true });
  cpSync(join(runtime.folder, 'bin/node'), file);
  chmodSync(file, 0o755);
  writeCopyright(join(folder, 'debian'), 'cell-runtime', [nodePart(runtime)]);
}

function writeCopyright(debian: string, name: string, parts: readonly ForeignPart[]): void {
  writeFileSync(join(debian, `${name}.copyright`), copyrightFile(parts));
}

function stageMaintainerScripts(root: string, debian: string): void {
  for (const daemon of DAEMONS) {
    for (const script of SCRIPTS) {
      const template = readFileSync(join(root, `packaging/maintainer-scripts/daemon.${script}`), 'utf8');
      writeFileSync(join(debian, `${daemon.package}.${script}`), maintainerScript(template, daemon));
    }
  }
}

function stageSettings(root: string, folder: string): void {
  cpSync(join(root, 'packaging/files'), join(folder, 'etc/cell'), { recursive: true });
}

function stageLaunchers(root: string, folder: string): void {
  const flags = readFlagValues(root);
  for (const launcher of LAUNCHERS) {
    const file = join(folder, launcher.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, launcherScript(launcher, flags), { mode: 0o755 });
  }
}
