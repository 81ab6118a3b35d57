import { chmodSync, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { PackagingError } from '../packaging-error.ts';

/** The programs that are shipped: the name of the bundle, and where it starts. */
export const PROGRAMS = [
  { bundle: 'agent', entry: 'agent/src/main.ts', manifest: 'agent/package.json' },
  { bundle: 'control-plane', entry: 'control-plane/src/main.ts', manifest: 'control-plane/package.json' },
  { bundle: 'cellctl', entry: 'cli/src/main.ts', manifest: 'cli/package.json' },
] as const;

export type Program = (typeof PROGRAMS)[number];

interface BundleRequest {
  /** Absolute folder of the repository. */
  readonly root: string;
  readonly program: Program;
  /** What the program says of itself. */
  readonly version: string;
  /** The file to write. */
  readonly file: string;
}

/** An npm package of which a bundle has something. */
export interface BundledPackage {
  readonly folder: string;
  /** Which of its files are in the bundle. */
  readonly files: readonly string[];
}

interface Bundle {
  /** By folder. */
  readonly packages: readonly BundledPackage[];
  /** Names of the files that were copied beside the bundle. */
  readonly assets: readonly string[];
}

/**
 * Writes a program as one file that imports nothing but Node's own modules, not minified, so that a stack trace can be
 * read; "#region" comments say which source a line is from, which spares source maps (and their memory).
 *
 * Files that its sources read from beside themselves are copied beside it.
 */
export async function bundleProgram({ root, program, version, file }: BundleRequest): Promise<Bundle> {
  const assets = new Set<string>();
  const bundle = await rolldown({
    cwd: root,
    input: join(root, program.entry),
    platform: 'node',
    external: /^node:/,
    logLevel: 'silent',
    plugins: [versionPlugin(join(root, program.manifest), version), assetPlugin(root, assets)],
  });
  try {
    const { output } = await bundle.write({ file, format: 'esm', codeSplitting: false, comments: { legal: true } });
    const [chunk] = output;
    const foreign = chunk.imports.filter((name) => !name.startsWith('node:'));
    if (output.length > 1 || foreign.length > 0) {
      throw new PackagingError(`The bundle of "${program.entry}" is not one file: "${foreign.join('", "')}"`);
    }
    for (const asset of assets) copyAsset(asset, dirname(file));
    return {
      packages: bundledPackages(Object.keys(chunk.modules)),
      assets: [...assets].map((asset) => basename(asset)).toSorted(),
    };
  } finally {
    await bundle.close();
  }
}

/** Has the program say the version of its package. */
function versionPlugin(manifest: string, version: string) {
  return {
    name: 'version',
    load: (id: string) => (id === manifest ? { code: JSON.stringify({ version }), moduleType: 'json' as const } : null),
  };
}

/** Finds what sources read from beside themselves; "import.meta" for anything else would not be the same in a bundle. */
function assetPlugin(root: string, assets: Set<string>) {
  return {
    name: 'assets',
    transform(code: string, id: string): null {
      if (id.includes('/node_modules/') || !id.startsWith(root)) return null;
      const uses = code.match(/\bimport\.meta\b/g) ?? [];
      const names = [...code.matchAll(/\bjoin\(import\.meta\.dirname, '([^'/]+)'\)/g)].map(([, name = '']) => name);
      if (names.length < uses.length) {
        throw new PackagingError(
          `Cannot bundle "${id}": of "import.meta" only "join(import.meta.dirname, 'FILE')" works`,
        );
      }
      for (const name of names) assets.add(join(dirname(id), name));
      return null;
    },
  };
}

function copyAsset(asset: string, folder: string): void {
  const copy = join(folder, basename(asset));
  copyFileSync(asset, copy);
  chmodSync(copy, readFileSync(asset, 'latin1').startsWith('#!') ? 0o755 : 0o644);
}

function bundledPackages(modules: readonly string[]): BundledPackage[] {
  const filesOf = new Map<string, string[]>();
  for (const module of modules.toSorted()) {
    const [path = ''] = module.replace(/^\0/, '').split('?');
    if (!path.includes('/node_modules/') || !existsSync(path)) continue;
    const folder = packageFolder(path);
    filesOf.set(folder, [...(filesOf.get(folder) ?? []), path]);
  }
  const packages = [...filesOf].map(([folder, files]) => ({ folder, files: [...new Set(files)] }));
  return packages.toSorted((left, right) => (left.folder < right.folder ? -1 : 1));
}

/** The nearest folder above that is a package with a name; some have nameless ones inside. */
function packageFolder(path: string): string {
  const [, name] = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  if (name === undefined) throw new PackagingError(`Cannot tell which package "${path}" belongs to`);
  let folder = dirname(path);
  while (!folder.endsWith(`/node_modules/${name}`)) folder = dirname(folder);
  return folder;
}
