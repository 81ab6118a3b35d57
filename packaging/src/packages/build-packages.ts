import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../run-command.ts';
import type { Architecture } from './architectures.ts';
import { provideNodeRuntime } from './node-runtime.ts';
import type { Release } from './release.ts';
import { stageRuntime, stageSources } from './stage-sources.ts';

interface BuildRequest {
  /** Absolute folder of the repository. */
  readonly root: string;
  readonly release: Release;
  readonly architectures: readonly Architecture[];
  /** Where the packages go; what else is there stays. */
  readonly output: string;
  /** A folder of this build's own, emptied before. */
  readonly workspace: string;
}

/** Builds the packages; the first architecture brings along those that are the same for all. Returns their paths. */
export async function buildPackages(request: BuildRequest): Promise<string[]> {
  const { root, release, architectures, workspace } = request;
  const folder = join(workspace, `cell-${release.version}`);
  rmSync(workspace, { recursive: true, force: true });
  const paths: string[] = [];
  for (const [index, architecture] of architectures.entries()) {
    const runtime = provideNodeRuntime(root, architecture, join(root, '.cache/packaging'));
    if (index === 0) await stageSources({ root, release, runtime, folder });
    else stageRuntime(runtime, folder);
    packWithDebhelper(folder, architecture, release, index === 0 ? 'any,all' : 'any');
    paths.push(...collect(dirname(folder), request.output));
  }
  rmSync(workspace, { recursive: true, force: true });
  return paths.toSorted();
}

/** "--no-check-builddeps": for another architecture it would ask for that one's compiler, and nothing is compiled. */
function packWithDebhelper(folder: string, { debian }: Architecture, release: Release, kinds: string): void {
  const parameters = ['--unsigned-source', '--unsigned-changes', '--no-check-builddeps', '--no-pre-clean'];
  runCommand('dpkg-buildpackage', [`--build=${kinds}`, `--host-arch=${debian}`, ...parameters], {
    cwd: folder,
    environment: {
      PATH: process.env['PATH'],
      // Nothing of whoever builds gets into the packages: neither language nor time zone nor flags of compilers.
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      SOURCE_DATE_EPOCH: String(release.timeS),
      DEB_BUILD_OPTIONS: 'nocheck',
    },
  });
  runCommand('debian/rules', ['clean'], { cwd: folder, environment: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } });
}

function collect(from: string, output: string): string[] {
  mkdirSync(output, { recursive: true });
  const names = readdirSync(from).filter((name) => name.endsWith('.deb'));
  for (const name of names) {
    copyFileSync(join(from, name), join(output, name));
    rmSync(join(from, name));
  }
  return names.map((name) => join(output, name));
}
