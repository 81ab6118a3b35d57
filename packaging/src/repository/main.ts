/** Makes a signed apt repository of the packages: `make repository`. */
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PackagingError } from '../packaging-error.ts';
import { ensureKeyFile, withSigner } from './signing-key.ts';
import { KEY_FILE, sourcesFile, writeRepository } from './write-repository.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const URL_UNTIL_GIVEN = 'http://REPOSITORY';

/** Beside what a clean of the working tree removes: machines trust the key for as long as the repository lives. */
function defaultKeyFile(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'cell', 'repository-key.asc');
}

function main(): void {
  const options = {
    packages: { type: 'string' },
    output: { type: 'string' },
    key: { type: 'string' },
    url: { type: 'string' },
  } as const;
  const { values } = parseArgs({ options });
  const output = resolve(values.output || join(ROOT, 'dist/repository'));
  const packages = resolve(values.packages || join(ROOT, 'dist/packages'));
  const keyFile = resolve(values.key || process.env['CELL_REPOSITORY_KEY'] || defaultKeyFile());
  const url = values.url || URL_UNTIL_GIVEN;
  if (ensureKeyFile(keyFile)) {
    process.stderr.write(`Made the key "${keyFile}": who has it can sign packages for your machines. Keep a copy\n`);
  }
  const names = withSigner(keyFile, (signer) => writeRepository({ packages, output, signer, date: new Date() }));
  writeFileSync(join(output, 'cell.sources'), sourcesFile(url));
  process.stdout.write(instructions(output, url, names));
}

function instructions(output: string, url: string, names: readonly string[]): string {
  const where = relative(process.cwd(), output) || '.';
  const missing = url === URL_UNTIL_GIVEN ? ' (say URL=https://… to have its address written here)' : '';
  return `${names.length} packages in "${where}". Serve that folder by any web server${missing}. On each machine, as root:

install -d /etc/apt/keyrings
wget -O /etc/apt/keyrings/${KEY_FILE} ${url}/${KEY_FILE}
cat >/etc/apt/sources.list.d/cell.sources <<END
${sourcesFile(url)}END
apt update
`;
}

try {
  main();
} catch (error) {
  const { message, stack } = error as Error;
  process.stderr.write(`${error instanceof PackagingError ? `${error.code}: ${message}` : stack}\n`);
  process.exitCode = 1;
}
