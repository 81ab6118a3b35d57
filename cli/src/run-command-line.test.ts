import { CellApiError } from '@cell/sdk';
import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { allCommands } from './commands/all-commands.ts';
import { runAlone, runCellctl, TOKEN, widthOf } from './testing/run-cellctl.ts';
import { Interruption } from './world.ts';

test.each<[string, string]>([
  ['nod list', 'There is no command "cellctl nod"; did you mean "node"?'],
  ['job rnu x', 'There is no command "cellctl job rnu"; did you mean "run"?'],
  ['xyzzy', 'There is no command "cellctl xyzzy"; "cellctl --help" shows all'],
  ['job xyzzy', 'There is no command "cellctl job xyzzy"; "cellctl job --help" shows all'],
  ['node list --wach', 'There is no flag "--wach" of "cellctl node list"; did you mean "--watch"?'],
  ['--frob', 'Flag "--frob" has no command; "cellctl --help" shows all commands'],
  ['node show', 'NODE is missing: its name, or its id or the beginning of it; "cellctl node show --help" shows how'],
])('"cellctl %s" is refused in one line, with exit code 1', async (words, message) => {
  const result = await runAlone(words.split(' '));
  expect(result).toEqual({ exitCode: 1, output: '', errors: `CELL_E_USAGE: ${message}\n` });
});

test.each(allCommands.filter((command) => command.hidden !== true).map((command) => command.path.join(' ')))(
  '%s explains itself within 80 columns, with an example',
  async (words) => {
    const result = await runAlone([...words.split(' '), '--help']);
    expect(result).toMatchObject({ exitCode: 0, errors: '' });
    expect(result.output).toContain('Examples:\n');
    expect(widthOf(result.output)).toBeLessThanOrEqual(80);
    expect(await runAlone(['help', ...words.split(' ')])).toEqual(result);
  },
);

test('without words it lists all commands, with a noun those of the noun', async () => {
  const all = await runAlone([]);
  expect(all.exitCode).toBe(0);
  for (const { path, hidden } of allCommands) expect(all.output.includes(path.join(' '))).toBe(hidden !== true);
  const job = await runAlone(['job']);
  expect(job.output).toMatch(/Commands:\n {2}job plan /);
  expect(job.output).not.toContain('node list');
  expect((await runAlone(['--version'])).output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('an error of the control plane is its code and its sentence', async () => {
  const getNode = () => {
    throw codedError('CELL_E_NOT_FOUND', 'There is no node "x"');
  };
  const result = await runCellctl(['node', 'show', 'x'], { getNode });
  expect(result).toMatchObject({ exitCode: 1, output: '', errors: 'CELL_E_NOT_FOUND: There is no node "x"\n' });
});

test('when nobody listens, the error says where and what to do', async () => {
  const result = await runAlone(['node', 'list', '--address', '127.0.0.1:1'], { environment: { CELL_TOKEN: TOKEN } });
  expect(result.errors).toBe(
    'CELL_E_UNREACHABLE: No answer from the control plane at "127.0.0.1:1"; check that it runs there, ' +
      'or name other members with "--address" or CELL_ADDR\n',
  );
});

test('an error that nobody thought of shows no stack', async () => {
  const result = await runCellctl(['node', 'list'], {
    listNodes: () => {
      throw new Error('boom\n    at secret (file.ts:1:1)');
    },
  });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toMatch(/^CELL_E_RPC: /);
  expect(result.errors).not.toContain('\n    at Object');
});

test('an interruption is quiet and gives its own exit code', async () => {
  const stop = new AbortController();
  const listNodes = () => {
    stop.abort(new Interruption(130));
    return new Promise(() => {});
  };
  const result = await runCellctl(['node', 'list'], { listNodes }, { signal: stop.signal });
  expect(result).toMatchObject({ exitCode: 130, output: '', errors: '' });
});

test('colours are for terminals, and for those who want them', async () => {
  const listNodes = () => ({ nodes: [{ name: 'node-1' }] });
  const coloured = async (words: string[], environment = {}, terminalColumns: number | undefined = 80) => {
    const options = terminalColumns === undefined ? { environment } : { environment, terminalColumns };
    return (await runCellctl(['node', 'list', ...words], { listNodes }, options)).output.includes('\x1b[');
  };
  expect(await coloured([])).toBe(true);
  expect(await coloured(['--no-color'])).toBe(false);
  expect(await coloured([], { NO_COLOR: '1' })).toBe(false);
  expect(await coloured([], { NO_COLOR: '' })).toBe(true);
  expect(await coloured([], { TERM: 'dumb' })).toBe(false);
  expect((await runCellctl(['node', 'list'], { listNodes })).output).not.toContain('\x1b[');
});

test('a terminal that is wider is used, and elsewhere there are 80 columns', async () => {
  const name = `node-${'x'.repeat(150)}`;
  const listNodes = () => ({ nodes: [{ name }] });
  expect(widthOf((await runCellctl(['node', 'list'], { listNodes })).output)).toBeLessThanOrEqual(80);
  expect((await runCellctl(['node', 'list'], { listNodes }, { terminalColumns: 300 })).output).toContain(name);
});

test('a name without an address is told from a machine that does not answer', async () => {
  const connect = () => {
    const cause = new Error('14 UNAVAILABLE: Name resolution failed for target dns:nowhere:7600');
    const ofMember = new CellApiError('CELL_E_UNREACHABLE', 'No answer', false, { cause });
    throw new CellApiError('CELL_E_UNREACHABLE', 'No answer', false, { cause: ofMember });
  };
  const { errors } = await runAlone(['node', 'list', '--token', TOKEN], { connect });
  expect(errors).toMatch(/^CELL_E_UNREACHABLE: No answer: a name has no address; check that it runs there/m);
});

test('who waited in vain for an answer is told what to look at', async () => {
  const connect = () => {
    throw new CellApiError('CELL_E_TIMEOUT', 'It did not answer in time', false);
  };
  const { errors } = await runAlone(['node', 'list', '--token', TOKEN], { connect });
  expect(errors).toMatch(/^CELL_E_TIMEOUT: It did not answer in time; "cellctl fleet status" shows whether/m);
});
